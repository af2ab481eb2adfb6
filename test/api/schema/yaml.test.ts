import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SyntaxProblem } from '../../../api/schema/json-value.ts';
import { parseYaml } from '../../../api/schema/yaml.ts';

const read = async (text: string) => (await parseYaml(Buffer.from(text))).value;

const words: { yaml: string; wants: unknown }[] = [
  { yaml: 'y', wants: true },
  { yaml: 'Off', wants: false },
  { yaml: '"yes"', wants: 'yes' },
  { yaml: '~', wants: null },
  { yaml: '0777', wants: 511 },
  { yaml: '0x10', wants: 16 },
  { yaml: '-0b11', wants: -3 },
  { yaml: '1_000', wants: 1000 },
  { yaml: '08', wants: 8 },
  { yaml: '1.5e3', wants: 1500 },
  { yaml: '12:30:45', wants: '12:30:45' },
  { yaml: '2024-01-02', wants: '2024-01-02' },
  { yaml: '!!str 5', wants: '5' },
  { yaml: '|\n  a\n  b\n', wants: 'a\nb\n' },
  { yaml: 'b: 1\na: [x, {c: null}]\n', wants: { a: ['x', { c: null }], b: 1 } },
  { yaml: 'true: 1\n2: b\n', wants: { 2: 'b', true: 1 } },
  { yaml: 'base: &b {x: 1, y1: 2}\nuse:\n  <<: *b\n  x: 3\n', wants: { base: { x: 1, y1: 2 }, use: { x: 3, y1: 2 } } },
  { yaml: 'a: 1\n---\nb: 2\n', wants: { a: 1 } },
  { yaml: '', wants: null },
];
for (const { yaml, wants } of words) {
  test(`parseYaml reads ${JSON.stringify(yaml)}`, async () => assert.deepEqual(await read(yaml), wants));
}

test('parseYaml keeps big integers and dangerous keys', async () => {
  const value = await read('a: 9007199254740993\n__proto__: {x: 1}\n');
  assert.equal(JSON.stringify(value), '{"__proto__":{"x":1},"a":9007199254740993}');
});

test('parseYaml tells the line of a key that came before, and takes the last', async () => {
  const { value, duplicates } = await parseYaml(Buffer.from('kind: X\ndata:\n  a: "1"\n  a: "2"\n'));
  assert.deepEqual(value, { data: { a: '2' }, kind: 'X' });
  assert.deepEqual(duplicates, ['line 4: key "a" already set in map']);
});

const laughs = ['a: &a [x,x,x,x,x,x,x,x,x]'];
for (let i = 0; i < 8; i++) {
  const [from, to] = ['abcdefghi'[i], 'abcdefghi'[i + 1]];
  laughs.push(`${to}: &${to} [*${from},*${from},*${from},*${from},*${from},*${from},*${from},*${from},*${from}]`);
}
const wrong: { yaml: string; says: string }[] = [
  { yaml: 'a: [1', says: "yaml: line 1: did not find expected ',' or ']'" },
  { yaml: 'a: [', says: 'yaml: line 1: did not find expected node content' },
  { yaml: '- '.repeat(20_000), says: 'exceeded max depth' },
  { yaml: 'a: *nope', says: "yaml: unknown anchor 'nope' referenced" },
  { yaml: '['.repeat(20_000), says: 'exceeded max depth' },
  { yaml: laughs.join('\n'), says: 'yaml: document contains excessive aliasing' },
  { yaml: 'a: .inf', says: 'error converting YAML to JSON: json: unsupported value: .inf' },
];
for (const { yaml, says } of wrong) {
  test(`parseYaml says of ${JSON.stringify(yaml.slice(0, 20))}: ${says}`, async () => {
    await assert.rejects(read(yaml), new SyntaxProblem(says));
  });
}

test('parseYaml refuses block nesting without end instead of exhausting the stack', async () => {
  const deep = Array.from({ length: 1500 }, (_, i) => `${' '.repeat(i)}a:`).join('\n');
  await assert.rejects(read(deep), SyntaxProblem);
});
