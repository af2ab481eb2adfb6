// Who holds a port. Asked before a start, so that the answer is a name and not EADDRINUSE.
// @ts-check
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/**
 * @param {number[]} ports
 * @returns {{ port: number, holder: string, isSkiff: boolean }[]}
 */
export function occupied(ports) {
  const sockets = listening();
  return ports.flatMap((port) => {
    const inode = sockets.get(port);
    return inode === undefined ? [] : [{ port, ...holderOf(inode) }];
  });
}

/** Port to socket inode, from both address families. @returns {Map<number, string>} */
function listening() {
  const found = new Map();
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const line of linesOf(table).slice(1)) {
      const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/);
      if (state === '0A') found.set(Number.parseInt(local.split(':')[1] ?? '', 16), inode);
    }
  }
  return found;
}

/** @param {string} inode */
function holderOf(inode) {
  const pid = readdirSync('/proc').find((entry) => /^\d+$/.test(entry) && holds(entry, `socket:[${inode}]`));
  if (pid === undefined) return { holder: 'a process in another container', isSkiff: false };
  const args = textOf(`/proc/${pid}/cmdline`).split('\0');
  const isSkiff = args
    .slice(0, 4)
    .some((arg) => /(^|\/)(cli\/main\.ts|skiff\.mjs|dist\/(server|agent)\.mjs)$/.test(arg));
  return { holder: `${textOf(`/proc/${pid}/comm`).trim()} (pid ${pid})`, isSkiff };
}

/** @param {string} pid @param {string} socket */
function holds(pid, socket) {
  const folder = `/proc/${pid}/fd`;
  try {
    return readdirSync(folder).some((fd) => linkOf(`${folder}/${fd}`) === socket);
  } catch {
    return false; // it ended while we looked
  }
}

/** @param {string} path */
function linkOf(path) {
  try {
    return readlinkSync(path);
  } catch {
    return undefined; // closed while we looked
  }
}

/** @param {string} path */
const linesOf = (path) => textOf(path).trimEnd().split('\n');

/** @param {string} path */
function textOf(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // no such family, or the process ended
  }
}
