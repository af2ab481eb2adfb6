// Upstream's recorded answers: how many scenarios pass may only grow. The floor is what passed when it was last raised
// (`node test/golden.ts` prints the counts).
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { startTestServer } from '../apiserver/test-server.ts';
import { goldenIsThere, runGolden } from '../golden.ts';

const floor = JSON.parse(readFileSync(new URL('../golden-floor.json', import.meta.url), 'utf8')) as Record<
  string,
  number
>;
const skip = goldenIsThere ? false : 'the recorded answers (../shared/golden) are not here';

for (const [file, wanted] of Object.entries(floor)) {
  test(`answers at least ${wanted} recorded scenarios of ${file} as upstream did`, { skip }, async (t) => {
    // A server of its own: what a failed scenario leaves behind would show in the lists of the next.
    await using server = await startTestServer();
    const { passed, failed, output } = await runGolden(server, file);
    t.diagnostic(`${file}: ${passed} passed, ${failed} failed`);
    assert.ok(passed >= wanted, `${passed} of ${file} pass, ${wanted} did before:\n${output.slice(0, 8_000)}`);
  });
}
