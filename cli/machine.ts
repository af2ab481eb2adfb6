// What the command line asks the machine: its name and the addresses others reach it by.
import { readFileSync } from 'node:fs';
import { hostname, networkInterfaces } from 'node:os';
import type { MachineFacts } from './resolve.ts';

export function machineFacts(): MachineFacts {
  const interfaces = networkInterfaces();
  const ofDefaultRoute = [defaultInterface4(), defaultInterface6()].map((name) =>
    name ? (interfaces[name] ?? []) : [],
  );
  const addresses = ofDefaultRoute.map((list, i) =>
    list.find((a) => a.family === (i ? 'IPv6' : 'IPv4') && isGlobal(a.address)),
  );
  // A machine without a default route (a test's namespace) is reached by its first address.
  const anywhere = Object.values(interfaces)
    .flatMap((list) => list ?? [])
    .find((a) => !a.internal && a.family === 'IPv4');
  const found = addresses.flatMap((a) => (a ? [a.address] : []));
  return { hostname: hostname(), addresses: found.length > 0 ? found : anywhere ? [anywhere.address] : [] };
}

/** /proc/net/route: interface, destination and, as the eighth column, mask; all zeros is the default. */
function defaultInterface4(): string | undefined {
  const rows = linesOf('/proc/net/route').map((line) => line.split(/\s+/));
  return rows.find(([, destination, , , , , , mask]) => destination === '00000000' && mask === '00000000')?.[0];
}

/** /proc/net/ipv6_route: destination, prefix length, ..., interface last. The unreachable default is on lo. */
function defaultInterface6(): string | undefined {
  const rows = linesOf('/proc/net/ipv6_route').map((line) => line.trim().split(/\s+/));
  return rows.find((row) => /^0{32}$/.test(row[0] ?? '') && row[1] === '00' && row.at(-1) !== 'lo')?.at(-1);
}

function linesOf(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n');
  } catch {
    return []; // a kernel without that family
  }
}

function isGlobal(address: string): boolean {
  return !/^fe[89ab]/i.test(address);
}
