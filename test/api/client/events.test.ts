import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventName } from '../../../api/client/events.ts';

const cases: { it: string; about: string; serial: number; is: RegExp }[] = [
  { it: 'an event is named after what it is about and when', about: 'web', serial: 0, is: /^web\.[0-9a-f]+000$/ },
  { it: 'events of one millisecond are told apart', about: 'web', serial: 1, is: /^web\.[0-9a-f]+001$/ },
  { it: 'a long name is cut', about: 'a'.repeat(253), serial: 0, is: /^a{200,240}\.[0-9a-f]+$/ },
  {
    it: 'no part ends in a dot or dash',
    about: `${'a'.repeat(200)}${'.-'.repeat(26)}`,
    serial: 0,
    is: /^a{200}\.[0-9a-f]+$/,
  },
];

for (const { it, about, serial, is } of cases) {
  test(it, () => {
    const name = eventName(about, 1_800_000_000_000, serial);
    assert.match(name, is);
    assert.ok(name.length <= 253);
  });
}
