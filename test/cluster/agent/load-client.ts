// A client that opens a connection for every request, so many a second, until its input ends; then it says how many
// were answered and what went wrong with the others. `node load-client.ts <url> <requests per second>`
import { get } from 'node:http';

const [url = '', rate = '100'] = process.argv.slice(2);
const LATE_MS = 5_000;
const EXAMPLES = 5;

let answered = 0;
let open = 0;
let ended = false;
const failures: string[] = [];

function ask(): void {
  open++;
  const startMs = performance.now();
  const settle = (failure?: string) => {
    open--;
    if (failure === undefined) answered++;
    else failures.push(`${failure} after ${Math.round(performance.now() - startMs)} ms`);
    if (ended && open === 0) tell();
  };
  const request = get(url, { agent: false, timeout: LATE_MS }, (answer) => {
    answer.once('error', (err) => settle(String(err)));
    answer.once('end', () => settle(answer.statusCode === 200 ? undefined : `status ${answer.statusCode}`));
    answer.resume();
  });
  request.once('timeout', () => request.destroy(new Error('no answer in time')));
  request.once('error', (err) => settle(String(err)));
}

function tell(): void {
  console.log(JSON.stringify({ answered, failed: failures.length, examples: failures.slice(0, EXAMPLES) }));
  process.exit(0);
}

/** Catches up when the machine was busy, so that the rate holds. */
const begun = performance.now();
let asked = 0;
const timer = setInterval(() => {
  const due = ((performance.now() - begun) / 1_000) * Number(rate);
  for (; asked < due && open < 200; asked++) ask();
  asked = Math.max(asked, Math.floor(due));
}, 5);

process.stdin.resume().once('end', () => {
  ended = true;
  clearInterval(timer);
  if (open === 0) tell();
});
console.log('ready');
