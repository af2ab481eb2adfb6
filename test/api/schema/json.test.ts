import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { clone } from '../../../api/schema/clone.ts';
import { parseJson } from '../../../api/schema/json.ts';
import { parseSlowly } from '../../../api/schema/json-slow.ts';
import { isBigNumber, SyntaxProblem } from '../../../api/schema/json-value.ts';

test('both readers agree with the engine on any JSON', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 4 }), (text) => {
      const wants = JSON.parse(JSON.stringify(JSON.parse(text)));
      const again = (value: unknown) => JSON.parse(JSON.stringify(value));
      assert.deepEqual(again(parseJson(text).value), wants);
      assert.deepEqual(again(parseSlowly(Buffer.from(text)).value), wants);
    }),
    { numRuns: 200 },
  );
});

const wrong: { text: string | Buffer; says: string }[] = [
  { text: '', says: 'unexpected end of JSON input' },
  { text: '{"a"', says: 'unexpected end of JSON input' },
  { text: '[{', says: 'unexpected end of JSON input' },
  { text: 'hello', says: "invalid character 'h' looking for beginning of value" },
  { text: '{"a":1} {}', says: "invalid character '{' after top-level value" },
  { text: '{"a" 1}', says: "invalid character '1' after object key" },
  { text: '{"a":1 "b"}', says: "invalid character '\"' after object key:value pair" },
  { text: '{a:1}', says: "invalid character 'a' looking for beginning of object key string" },
  { text: '{"a":1,}', says: "invalid character '}' looking for beginning of object key string" },
  { text: '[1 2]', says: "invalid character '2' after array element" },
  { text: 'trup', says: "invalid character 'p' in literal true (expecting 'e')" },
  { text: '"a\nb"', says: "invalid character '\\n' in string literal" },
  { text: '"\\x"', says: "invalid character 'x' in string escape code" },
  { text: '"\\u12g4"', says: "invalid character 'g' in \\u hexadecimal character escape" },
  { text: '-x', says: "invalid character 'x' in numeric literal" },
  { text: '1.x', says: "invalid character 'x' after decimal point in numeric literal" },
  { text: '1e', says: 'unexpected end of JSON input' },
  { text: '01', says: "invalid character '1' after top-level value" },
  { text: "'", says: "invalid character '\\'' looking for beginning of value" },
  { text: Buffer.from([0xff]), says: "invalid character 'ÿ' looking for beginning of value" },
  { text: '1e999', says: 'json: cannot unmarshal number 1e999 into Go value of type float64' },
  { text: '['.repeat(10_000) + ']'.repeat(10_000), says: 'exceeded max depth' },
  { text: '{"a":'.repeat(200_000), says: 'exceeded max depth' },
];
for (const { text, says } of wrong) {
  test(`parseJson says of ${String(text).slice(0, 20)}: ${says}`, () => {
    assert.throws(() => parseJson(Buffer.from(text)), new SyntaxProblem(says));
  });
}

test('parseJson notices keys that come twice and takes the last', () => {
  const { value, duplicates } = parseJson('{"data":{"a":"1","a":"2","b":[{"c":1,"c":2}]},"data":{"a":"3"}}');
  assert.deepEqual(value, { data: { a: '3' } });
  assert.deepEqual(duplicates, ['duplicate field "data.a"', 'duplicate field "data.b[0].c"', 'duplicate field "data"']);
});

test('integers beyond 2^53 keep their digits, through copying and writing', () => {
  const text = '{"a":9007199254740993,"b":[-9223372036854775808],"c":9007199254740991}';
  const { value } = parseJson(text);
  assert.ok(isBigNumber((value as { a: unknown }).a));
  assert.equal(JSON.stringify(value), text);
  assert.equal(JSON.stringify(clone(value)), text);
  assert.deepEqual(parseJson('99999999999999999999').value, 1e20);
});

test('keys that are names of the language are data', () => {
  for (const text of ['{"__proto__":{"a":1}}', '{"__proto__":{"a":1},"b":9007199254740993}']) {
    const { value } = parseJson(text);
    assert.equal(JSON.stringify(value), text);
    assert.equal(Object.getPrototypeOf(value), Object.prototype);
    assert.equal(JSON.stringify(clone(value)), text);
  }
});

test('bytes that are no UTF-8 become the replacement character', () => {
  assert.deepEqual(parseJson(Buffer.from([0x22, 0x61, 0xff, 0x22])).value, 'a\ufffd');
});
