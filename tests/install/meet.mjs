// Two people at a computer of theirs hold a meeting on a server that neither has been at before: meet.mjs URL NAME PASSWORD. Who is called
// so signs in, in Firefox, and makes it; a guest comes by its link, in Chromium, and may be cut off (CUTTABLE). Prints how their media goes.
import { launchFirefoxPeople, launchPeople } from '../support/browser.mjs';
import { CUTTABLE } from '../support/own-net.mjs';
import { startVisitors } from '../e2e/visitors.mjs';

const [url, name, password] = process.argv.slice(2);
const browsers = [];

async function person(launched, who) {
    const browser = await startVisitors(launched);
    browsers.push(browser);
    return browser.visitor(who);
}

try {
    const host = await person(launchFirefoxPeople(), name);
    const guest = await person(launchPeople([], CUTTABLE), 'Gil');
    await host.signIn(url, name, password);
    await host.page.getByLabel('Name of the meeting').fill('First');
    await host.click('New meeting');
    await host.sees('First is ready.');
    const link = new URL(await host.page.getByRole('link', { name: 'First' }).first().getAttribute('href'), url).href;
    await host.page.goto(link);
    await host.click('Join');
    await host.isIn();
    await guest.join(link);
    for (const [one, other] of [[host, guest], [guest, host]]) {
        await one.seesMoving(other.name);
        await one.hears();
    }
    for (const one of [host, guest]) {
        const ways = (await one.remembers('ways')).map((way) => way.replace(' undefined', ''));
        console.log(`media of ${one.name}: ${ways.join(', ')}`);
    }
    const faults = browsers.flatMap((browser) => browser.faults());
    if (faults.length > 0) throw new Error(faults.join('\n'));
} finally {
    for (const browser of browsers) await browser.close();
}
