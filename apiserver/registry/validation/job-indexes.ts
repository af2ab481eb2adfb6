// Lists of indexes in a job, as in "1,3-5,7".

export interface Indexes {
  readonly total: number;
  readonly intervals: readonly Interval[];
}

type Interval = readonly [from: number, to: number];

/** What they are, or why they cannot be read. */
export function readIndexes(text: string, completions: number): Indexes | string {
  const intervals: Interval[] = [];
  let total = 0;
  for (const part of text === '' ? [] : text.split(',')) {
    const interval = readInterval(part, completions);
    if (typeof interval === 'string') return interval;
    const [from, to] = interval;
    const last = intervals.at(-1)?.[1];
    if (last !== undefined && last >= from) return notIncreasing(last, from);
    total += to - from + 1;
    intervals.push(interval);
  }
  return { total, intervals };
}

function notIncreasing(previous: number, current: number): string {
  return `non-increasing order, previous: ${previous}, current: ${current}`;
}

function readInterval(text: string, completions: number): Interval | string {
  const limits = text.split('-');
  if (limits.length > 2) {
    const rule = "violates the requirement that an index interval can have at most two parts separated by '-'";
    return `the fragment ${JSON.stringify(text)} ${rule}`;
  }
  for (const limit of limits) {
    if (!/^\+?\d+$/.test(limit)) return `cannot convert string to integer for index: ${JSON.stringify(limit)}`;
    if (Number(limit) >= completions) return `too large index: ${JSON.stringify(limit)}`;
  }
  const [from = 0, to] = limits.map(Number);
  if (to === undefined) return [from, from];
  return from >= to ? notIncreasing(from, to) : [from, to];
}

/** What is said of the first index that is in both lists; intervals that cannot be read are passed over. */
export function overlapProblem(completed: string, failed: string, completions: number): string | undefined {
  const readable = (text: string) =>
    text.split(',').flatMap((part) => {
      const interval = readInterval(part, completions);
      return typeof interval === 'string' ? [] : [interval];
    });
  const done = readable(completed);
  for (const [from, to] of readable(failed)) {
    const both = done.find(([start, end]) => start <= to && from <= end);
    if (both) return `failedIndexes and completedIndexes overlap at index: ${Math.max(both[0], from)}`;
  }
  return undefined;
}
