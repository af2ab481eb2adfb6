// Run by tests as a process of its own, so that its memory is its own and it can be killed: an API server on loopback,
// with the overrides of its first argument, and its files where the second says. Prints where it is as one line; ends on SIGTERM.
import type { ServerConfig } from '../../../apiserver/config.ts';
import { startTestServer } from '../../apiserver/test-server.ts';

const overrides = JSON.parse(process.argv[2] ?? '{}') as Partial<ServerConfig>;
await using server = await startTestServer(overrides, process.argv[3]);
process.stdout.write(`${JSON.stringify({ url: server.url, files: server.files })}\n`);
await new Promise((resolve) => process.once('SIGTERM', resolve));
