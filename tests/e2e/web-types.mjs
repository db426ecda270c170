// The types that the web client has of what the API answers, made from the API's own document.
import openapiTS, { astToString } from 'openapi-typescript';

const HEAD = `// What the API answers, as its document says: made of /v1/openapi.json. Not to be changed by hand:
//     LYNKS_KEEP_TYPES=1 tests/run e2e/test_openapi
`;

// The types' names, and which operation answers with one.
const NAMED = {
    Account: 'getUser',
    Ban: 'getBan',
    Invitation: 'addInvitation',
    JoinInfo: 'getJoinInfo',
    Joining: 'joinRoom',
    Member: 'getMember',
    Message: 'sendMessage',
    Participant: 'getParticipant',
    Publication: 'publish',
    Room: 'getRoom',
    Session: 'getSession',
    Stats: 'getStats',
    StreamKey: 'addStreamKey',
    User: 'getMe',
    Watching: 'watch',
    WatchOffer: 'getWatchOffer',
};

function answerOf(document, operationId) {
    const operation = Object.values(document.paths).flatMap((path) => Object.values(path)).find((one) => one.operationId === operationId);
    const [, good] = Object.entries(operation.responses).find(([status]) => status.startsWith('2'));
    return good.content['application/json'].schema;
}

/// Resolves with the text of gateway/web/core/api_types.d.ts.
export async function webTypes(document) {
    const schemas = Object.fromEntries(Object.entries(NAMED).map(([name, operationId]) => [name, answerOf(document, operationId)]));
    // A format takes three lines more, and says of a member whose name ends in _at that it is a time.
    const plain = JSON.parse(JSON.stringify(schemas, (key, value) => (key === 'format' ? undefined : value)));
    const types = astToString(await openapiTS({ openapi: document.openapi, info: document.info, paths: {}, components: { schemas: plain } },
        { alphabetize: true }));
    const [, body] = /^export interface components \{\n {4}schemas: \{\n(.*?)\n {4}\};\n/ms.exec(types);
    // That words are an enum the type says.
    const short = body.replaceAll(/^ *\/\*\* @enum \{string\} \*\/\n/gm, '').replaceAll(/\/\*\*\n *\* (@description [^\n]*)\n *\* @enum \{string\}\n *\*\//g, '/** $1 */');
    // Each a type of its own: `Room: {` becomes `export interface Room {`.
    return HEAD + short.replaceAll(/^ {8}/gm, '').replaceAll(/^(\w+): \{$/gm, '\nexport interface $1 {').replaceAll(/^\};$/gm, '}') + '\n';
}
