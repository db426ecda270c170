// Two people at a computer of theirs hold a meeting on a server that neither has been at before: meet.mjs URL PASSWORD. The admin, in
// Firefox, signs in and makes it; a guest comes by its link, in Chromium, and may be cut off (CUTTABLE). Prints how their media goes.
import { launchFirefoxPeople, launchPeople } from '../support/browser.mjs';
import { CUTTABLE } from '../support/own-net.mjs';
import { startVisitors } from '../e2e/visitors.mjs';

const [url, password] = process.argv.slice(2);
const browsers = [];

async function person(launched, name) {
    const browser = await startVisitors(launched);
    browsers.push(browser);
    return browser.visitor(name);
}

try {
    const admin = await person(launchFirefoxPeople(), 'admin');
    const guest = await person(launchPeople([], CUTTABLE), 'Gil');
    await admin.signIn(url, 'admin', password);
    await admin.page.getByLabel('Name of the meeting').fill('First');
    await admin.click('New meeting');
    await admin.sees('First is ready.');
    const link = new URL(await admin.page.getByRole('link', { name: 'First' }).first().getAttribute('href'), url).href;
    await admin.page.goto(link);
    await admin.click('Join');
    await admin.isIn();
    await guest.join(link);
    for (const [one, other] of [[admin, guest], [guest, admin]]) {
        await one.seesMoving(other.name);
        await one.hears();
    }
    for (const one of [admin, guest]) {
        const ways = (await one.remembers('ways')).map((way) => way.replace(' undefined', ''));
        console.log(`media of ${one.name}: ${ways.join(', ')}`);
    }
    const faults = browsers.flatMap((browser) => browser.faults());
    if (faults.length > 0) throw new Error(faults.join('\n'));
} finally {
    for (const browser of browsers) await browser.close();
}
