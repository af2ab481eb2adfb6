// The difference of two texts as upstream shows it: unified, three lines around, by the longest common block first
// and then the same on both sides of it (Ratcliff and Obershelp), lines that are all over the place matching nothing by
// themselves.

interface Block {
  readonly a: number;
  readonly b: number;
  readonly size: number;
}
interface Change {
  readonly tag: 'equal' | 'change';
  readonly a: number;
  readonly aEnd: number;
  readonly b: number;
  readonly bEnd: number;
}

const AROUND = 3;
/** In texts from this length on, lines that make up more than a hundredth of it count as noise. */
const LONG = 200;

export function textDiff(before: string, after: string): string {
  const a = before.split('\n');
  const b = after.split('\n');
  const out: string[] = [];
  for (const group of grouped(changes(a, b))) {
    const first = group[0]!;
    const last = group.at(-1)!;
    out.push(`@@ -${range(first.a, last.aEnd)} +${range(first.b, last.bEnd)} @@`);
    for (const { tag, a: from, aEnd, b: to, bEnd } of group) {
      if (tag === 'equal') out.push(...a.slice(from, aEnd).map((line) => ` ${line}`));
      else out.push(...a.slice(from, aEnd).map((line) => `-${line}`), ...b.slice(to, bEnd).map((line) => `+${line}`));
    }
  }
  return out.map((line) => `${line}\n`).join('');
}

function range(from: number, to: number): string {
  const length = to - from;
  if (length === 1) return `${from + 1}`;
  return `${length === 0 ? from : from + 1},${length}`;
}

function changes(a: readonly string[], b: readonly string[]): Change[] {
  const found: Change[] = [];
  let atA = 0;
  let atB = 0;
  for (const block of [...blocks(a, b), { a: a.length, b: b.length, size: 0 }]) {
    if (atA < block.a || atB < block.b) found.push({ tag: 'change', a: atA, aEnd: block.a, b: atB, bEnd: block.b });
    atA = block.a + block.size;
    atB = block.b + block.size;
    if (block.size > 0) found.push({ tag: 'equal', a: block.a, aEnd: atA, b: block.b, bEnd: atB });
  }
  return found;
}

function blocks(a: readonly string[], b: readonly string[]): Block[] {
  const where = places(b);
  const found: Block[] = [];
  const rest = [{ a: 0, aEnd: a.length, b: 0, bEnd: b.length }];
  for (let part = rest.pop(); part !== undefined; part = rest.pop()) {
    const block = longest(a, b, where, part.a, part.aEnd, part.b, part.bEnd);
    if (block.size === 0) continue;
    found.push(block);
    rest.push(
      { a: part.a, aEnd: block.a, b: part.b, bEnd: block.b },
      { a: block.a + block.size, aEnd: part.aEnd, b: block.b + block.size, bEnd: part.bEnd },
    );
  }
  found.sort((one, other) => one.a - other.a);
  return merged(found);
}

function merged(found: readonly Block[]): Block[] {
  const whole: Block[] = [];
  for (const block of found) {
    const last = whole.at(-1);
    if (last && last.a + last.size === block.a && last.b + last.size === block.b) {
      whole[whole.length - 1] = { ...last, size: last.size + block.size };
    } else whole.push(block);
  }
  return whole;
}

function places(b: readonly string[]): Map<string, number[]> {
  const where = new Map<string, number[]>();
  b.forEach((line, i) => {
    const known = where.get(line);
    if (known) known.push(i);
    else where.set(line, [i]);
  });
  if (b.length < LONG) return where;
  const often = Math.floor(b.length / 100) + 1;
  for (const [line, all] of where) if (all.length > often) where.delete(line);
  return where;
}

function longest(
  a: readonly string[],
  b: readonly string[],
  where: ReadonlyMap<string, readonly number[]>,
  aFrom: number,
  aEnd: number,
  bFrom: number,
  bEnd: number,
): Block {
  let best: Block = { a: aFrom, b: bFrom, size: 0 };
  let lengths = new Map<number, number>();
  for (let i = aFrom; i < aEnd; i++) {
    const next = new Map<number, number>();
    for (const j of where.get(a[i]!) ?? []) {
      if (j < bFrom) continue;
      if (j >= bEnd) break;
      const size = (lengths.get(j - 1) ?? 0) + 1;
      next.set(j, size);
      if (size > best.size) best = { a: i - size + 1, b: j - size + 1, size };
    }
    lengths = next;
  }
  let { a: x, b: y, size } = best;
  while (x > aFrom && y > bFrom && a[x - 1] === b[y - 1]) {
    x--;
    y--;
    size++;
  }
  while (x + size < aEnd && y + size < bEnd && a[x + size] === b[y + size]) size++;
  return { a: x, b: y, size };
}

/** Hunks: changes with what is around them. */
function grouped(all: readonly Change[]): Change[][] {
  const parts = [...all];
  const first = parts[0];
  if (first?.tag === 'equal') {
    parts[0] = { ...first, a: Math.max(first.a, first.aEnd - AROUND), b: Math.max(first.b, first.bEnd - AROUND) };
  }
  const last = parts.at(-1);
  if (last?.tag === 'equal') {
    const aEnd = Math.min(last.aEnd, last.a + AROUND);
    parts[parts.length - 1] = { ...last, aEnd, bEnd: Math.min(last.bEnd, last.b + AROUND) };
  }
  const groups: Change[][] = [];
  let group: Change[] = [];
  for (const part of parts) {
    if (part.tag === 'equal' && part.aEnd - part.a > 2 * AROUND) {
      const { a, b, aEnd, bEnd } = part;
      group.push({ ...part, aEnd: a + AROUND, bEnd: b + AROUND });
      groups.push(group);
      group = [{ ...part, a: aEnd - AROUND, b: bEnd - AROUND }];
    } else group.push(part);
  }
  if (group.some(({ tag }) => tag === 'change')) groups.push(group);
  return groups;
}
