"""A program in Python over aiortc that sends to a room by WHIP, or watches somebody by WHEP, by the counter-offer of a 406.

aiortc_peer.py whip|whep URL TOKEN. Says in lines of JSON what happens; ends with its input."""
import asyncio
import json
import sys
import urllib.error
import urllib.parse
import urllib.request

from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, VideoStreamTrack

SDP = "application/sdp"


def tell(**what):
    print(json.dumps(what), flush=True)


def ask(method, url, token, body=None):
    request = urllib.request.Request(url, method=method, data=body and body.encode(),
                                     headers={"authorization": f"Bearer {token}", "content-type": SDP})
    try:
        answer = urllib.request.urlopen(request)
    except urllib.error.HTTPError as error:
        answer = error
    return answer.status, answer.headers, answer.read().decode()


class Counted:
    """Takes what comes in tracks, and counts it."""

    def __init__(self):
        self.frames = {"audio": 0, "video": 0}

    async def count(self, track):
        while True:
            await track.recv()
            self.frames[track.kind] += 1


async def send(url, token):
    peer = RTCPeerConnection()
    peer.addTrack(AudioStreamTrack())
    peer.addTrack(VideoStreamTrack())
    await peer.setLocalDescription(await peer.createOffer())
    status, headers, answer = ask("POST", url, token, peer.localDescription.sdp)
    tell(status=status, location=headers["location"])
    if status == 201:
        await peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))
    return peer, headers["location"]


async def watch(url, token):
    wish = RTCPeerConnection()
    wish.addTransceiver("audio", direction="recvonly")
    wish.addTransceiver("video", direction="recvonly")
    await wish.setLocalDescription(await wish.createOffer())
    status, headers, offer = ask("POST", url, token, wish.localDescription.sdp)
    tell(status=status, location=headers["location"])
    await wish.close()
    peer = RTCPeerConnection()
    counted = Counted()
    tasks = []
    peer.on("track", lambda track: tasks.append(asyncio.ensure_future(counted.count(track))))
    if status == 406:
        await peer.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        await peer.setLocalDescription(await peer.createAnswer())
        answered, _, _ = ask("PATCH", urllib.parse.urljoin(url, headers["location"]), token, peer.localDescription.sdp)
        tell(answered=answered)
    peer.counted = counted
    peer.tasks = tasks
    return peer, headers["location"]


async def main(what, url, token):
    peer, location = await (send if what == "whip" else watch)(url, token)
    loop = asyncio.get_running_loop()
    end = loop.run_in_executor(None, sys.stdin.read)
    while not end.done():
        tell(state=peer.connectionState, frames=getattr(peer, "counted", None) and peer.counted.frames)
        await asyncio.wait([end], timeout=0.25)
    if location:
        tell(ended=ask("DELETE", urllib.parse.urljoin(url, location), token)[0])
    await peer.close()


asyncio.run(main(*sys.argv[1:]))
