// The rules of a standard as tests, one a rule, and the table of what was found.
import assert from 'node:assert/strict';
import { test } from 'node:test';

/// rules: [section, MUST, SHOULD, MAY or -, what is asked, check]. source: the standard's name; what: of what it is. Prints the table last.
export function testRules(source, what, rules) {
    const printed = [];
    for (const [section, strength, rule, check] of rules) {
        test(`${section} ${strength}: ${rule}`, async () => {
            try {
                await check();
                printed.push([section, strength, rule, 'yes']);
            } catch (error) {
                printed.push([section, strength, rule, `NO: ${error.message.split('\n')[0]}`]);
                throw error;
            }
        });
    }
    test('the table', () => {
        for (const row of [[source, '', what, 'holds'], ['---', '---', '---', '---'], ...printed]) console.log(`# | ${row.join(' | ')} |`);
        assert.equal(printed.length, rules.length);
    });
}
