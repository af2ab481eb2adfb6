// `npm run bundle`: one file per process under dist/, for nodes that have no checkout: less memory, half the start
// time. Workers and protocol files are found by the literals handed to api/assets.ts and put beside the bundle under
// the names by which it will look for them.
import { globSync } from 'node:fs';
import { copyFile, mkdir, readFile, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type BuildOptions, build, type Plugin } from 'esbuild';

const top = join(import.meta.dirname, '..');
const SOURCES = '{api,apiserver,agent,cli}/**/*.ts';

export interface Bundled {
  readonly file: string;
  readonly bytes: number;
}

export async function bundle(outDir: string): Promise<Bundled[]> {
  await rm(outDir, { recursive: true, force: true });
  const texts = await Promise.all(
    globSync(SOURCES, { cwd: top, exclude: ['api/assets.ts'] }).map((file) => readFile(join(top, file), 'utf8')),
  );
  const source = texts.join('\n');
  const workers = literals(source, 'workerUrl').filter((name) => name.endsWith('.ts'));
  const assets = [...literals(source, 'assetPath'), ...globSync('proto/**/*.proto', { cwd: top })];
  const files = [
    ...(await Promise.all(['server', 'agent'].map((name) => compile(entryOf(name), join(outDir, `${name}.mjs`))))),
    await compile({ entryPoints: ['cli/main.ts'], plugins: [apart] }, join(outDir, 'skiff.mjs')),
    ...(await Promise.all(
      workers.map((name) => compile({ entryPoints: [name] }, join(outDir, name.replace(/\.ts$/, '.mjs')))),
    )),
  ];
  for (const name of new Set(assets.filter((asset) => !asset.endsWith('.ts') && !asset.endsWith('.mjs')))) {
    await mkdir(dirname(join(outDir, name)), { recursive: true });
    await copyFile(join(top, name), join(outDir, name));
  }
  return Promise.all(files.map(async (file) => ({ file, bytes: (await stat(file)).size })));
}

/** A process of its own when it is started, a command when `skiff.mjs` imports it. */
function entryOf(name: string): BuildOptions {
  const contents = `import { failed } from './cli/command.ts';
import { run } from './cli/commands/${name}.ts';
export { run };
if (import.meta.main) process.exit(await run(process.argv.slice(2)).catch((err) => failed('skiff ${name}', err)));`;
  return { stdin: { contents, resolveDir: top, sourcefile: `${name}-entry.ts`, loader: 'ts' } };
}

/** Server and agent stay out of the command's file. */
const apart: Plugin = {
  name: 'apart',
  setup({ onResolve }) {
    onResolve({ filter: /^\.\/commands\/(server|agent)\.ts$/ }, ({ path }) => ({
      path: path.replace(/^\.\/commands\/(.+)\.ts$/, './$1.mjs'),
      external: true,
    }));
  },
};

async function compile(what: BuildOptions, outfile: string): Promise<string> {
  await build({
    ...what,
    absWorkingDir: top,
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node26',
    format: 'esm',
    sourcemap: false,
    legalComments: 'linked',
    logLevel: 'warning',
    // Packages written for CommonJS ask for Node's modules by `require`.
    banner: {
      js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
    },
  });
  return outfile;
}

function literals(source: string, callee: string): string[] {
  return Array.from(source.matchAll(new RegExp(`\\b${callee}\\(\\s*'([^']+)'`, 'g')), ([, name]) => name!);
}

if (import.meta.main) {
  for (const { file, bytes } of await bundle(join(top, 'dist'))) {
    console.log(`${file.slice(top.length + 1)}  ${(bytes / 1024).toFixed(0)} KB`);
  }
}
