// Loaded into a server under load: at SIGUSR2 it says how late the event loop was since it was asked last.
// @ts-check
import { monitorEventLoopDelay } from 'node:perf_hooks';

const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();
process.on('SIGUSR2', () => {
  const ms = (/** @type {number} */ nanos) => nanos / 1e6;
  const told = { p50Ms: ms(delay.percentile(50)), p99Ms: ms(delay.percentile(99)), maxMs: ms(delay.max) };
  process.stderr.write(`loop delay ${JSON.stringify(told)}\n`);
  delay.reset();
});
