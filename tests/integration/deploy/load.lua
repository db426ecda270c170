-- Lists the standard room with the token of the variable TOKEN.
wrk.method = "POST"
wrk.path = "/list_participants"
wrk.headers["authorization"] = os.getenv("TOKEN")
wrk.headers["content-type"] = "application/json"
wrk.body = '{"room_id":123456}'
