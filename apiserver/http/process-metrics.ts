// What the process itself takes: time, memory, files.
import { readdirSync, readFileSync } from 'node:fs';
import { family, sample } from './exposition.ts';

const PAGE_BYTES = 4096;

export function processSamples(startSeconds: number): string[] {
  const { heapUsed, rss } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  const gauge = (name: string, help: string, value: number | undefined) =>
    family(name, 'gauge', help, value === undefined ? [] : [sample(name, {}, value)]);
  const cpu = 'process_cpu_seconds_total';
  return [
    ...family(cpu, 'counter', 'Time on processors, of all threads.', [sample(cpu, {}, (user + system) / 1e6)]),
    ...gauge('process_resident_memory_bytes', 'Resident memory.', rss),
    ...gauge('process_virtual_memory_bytes', 'Mapped memory.', virtualBytes()),
    ...gauge('process_open_fds', 'Open files.', openFiles()),
    ...gauge('process_start_time_seconds', 'When the process began.', startSeconds),
    ...gauge('nodejs_heap_used_bytes', 'Heap in use.', heapUsed),
  ];
}

/** Undefined where there is no /proc. */
function virtualBytes(): number | undefined {
  try {
    return Number(readFileSync('/proc/self/statm', 'utf8').split(' ', 1)[0]) * PAGE_BYTES;
  } catch {
    return undefined;
  }
}

function openFiles(): number | undefined {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return undefined;
  }
}
