// Loaded into every test file by run.ts: one that keeps its process alive after its last test has left something open.
// The runner would wait for it for ever; so it fails, and says what is still there.
import { after } from 'node:test';

/** This hook is the first of all: what a file tears down, a cluster with its leak check perhaps, comes after it. */
const PATIENCE_MS = 120_000;

after(() => {
  const left = () => {
    console.error(`all tests have ended and something keeps the process alive: ${process.getActiveResourcesInfo()}`);
    process.exit(1);
  };
  setTimeout(left, PATIENCE_MS).unref();
});
