// How many pulls go side by side, in whose turn, and what becomes of those that wait when the agent ends.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Credential } from '../../../agent/images/keyring.ts';
import { ImagePulls } from '../../../agent/images/pulls.ts';
import type { Pod } from '../../../api/types/core/pod.ts';
import { settle, VirtualClock } from '../../sim/virtual-clock.ts';
import { aContainer, aPod } from '../pods/make.ts';

/** A registry whose answers come when the test says so. */
class Registry {
  readonly under: string[] = [];
  readonly started: string[] = [];
  most = 0;
  readonly #answers = new Map<string, PromiseWithResolvers<string>>();

  async pull(image: string, signal: AbortSignal): Promise<string> {
    const answer = Promise.withResolvers<string>();
    this.#answers.set(image, answer);
    this.under.push(image);
    this.started.push(image);
    this.most = Math.max(this.most, this.under.length);
    signal.addEventListener('abort', () => answer.reject(signal.reason), { once: true });
    if (signal.aborted) answer.reject(signal.reason);
    return answer.promise.finally(() => this.under.splice(this.under.indexOf(image), 1));
  }

  async arrives(image: string): Promise<void> {
    this.#answers.get(image)!.resolve(`sha256:${image}`);
    await settle();
    await settle();
  }

  async fails(image: string): Promise<void> {
    this.#answers.get(image)!.reject(new Error('connection refused'));
    await settle();
    await settle();
  }
}

function aNode(parallel: number) {
  const clock = new VirtualClock();
  const registry = new Registry();
  const events: string[] = [];
  const woken: string[] = [];
  const here = new Set<string>();
  const status = async (image: string) =>
    here.has(image)
      ? { id: `sha256:${image}`, repoTags: [image], repoDigests: [], size: '7', pinned: false }
      : undefined;
  const images = {
    status,
    pull: async (image: string, _auth: unknown, _sandbox: unknown, signal: AbortSignal) => {
      const id = await registry.pull(image, signal);
      here.add(image);
      return id;
    },
  };
  const pulls = new ImagePulls({
    images: images as unknown as ConstructorParameters<typeof ImagePulls>[0]['images'],
    clock,
    event: (_pod, _container, _type, reason, message) => events.push(`${reason}: ${message}`),
    credentials: async () => ({ found: [] as Credential[], missing: [] }),
    records: { mayUse: async () => true, pulling: (_image, pull) => pull() },
    content: { watch: () => ({ look: async () => undefined }) },
    parallel,
    wake: (uid) => woken.push(uid),
  });
  return { clock, registry, events, woken, pulls };
}

const wants = (image: string): Pod =>
  aPod({ metadata: { uid: image }, containers: [aContainer('web', { image, imagePullPolicy: 'Always' })] });

for (const [flag, parallel] of [
  ['--serialize-image-pulls', 1],
  ['--max-parallel-image-pulls=2', 2],
] as const) {
  test(`with ${flag} at most ${parallel} images are pulled side by side, first come first served`, async () => {
    const { registry, pulls, clock, events, woken } = aNode(parallel);
    await using _pulls = pulls;
    const names = ['a', 'b', 'c', 'd'];
    for (const name of names) pulls.ask(wants(name), wants(name).spec.containers[0]!);
    await clock.advance(0);
    assert.deepEqual(registry.under, names.slice(0, parallel));
    await clock.advance(5_000);
    assert.ok(events.includes('Pulling: Pulling image "d": waiting for other pulls'), events.join('\n'));
    for (const name of names) {
      await registry.arrives(name);
      assert.ok(woken.includes(name));
      assert.equal(pulls.states(name).get('web')?.state, 'present');
    }
    assert.deepEqual([registry.started, registry.most, pulls.underWay()], [names, parallel, []]);
  });
}

test('a pull that fails gives its place to the next', async () => {
  const { registry, pulls, clock } = aNode(1);
  await using _pulls = pulls;
  for (const name of ['a', 'b']) pulls.ask(wants(name), wants(name).spec.containers[0]!);
  await clock.advance(0);
  await registry.fails('a');
  assert.deepEqual(registry.under, ['b']);
  await registry.arrives('b');
  assert.deepEqual(
    ['a', 'b'].map((name) => pulls.states(name).get('web')?.state),
    ['failed', 'present'],
  );
});

test('pods that want the same image share one pull', async () => {
  const { registry, pulls, clock } = aNode(4);
  await using _pulls = pulls;
  const both = ['one', 'two'].map((uid) => ({ ...wants('a'), metadata: { ...wants('a').metadata, uid } }));
  for (const pod of both) pulls.ask(pod, pod.spec.containers[0]!);
  await clock.advance(0);
  await registry.arrives('a');
  assert.deepEqual(registry.started, ['a']);
  assert.deepEqual(
    both.map(({ metadata }) => pulls.states(metadata.uid).get('web')?.state),
    ['present', 'present'],
  );
});

test('when the agent ends, pulls under way and those that wait for their turn end with it', async () => {
  const { registry, pulls, clock } = aNode(1);
  for (const name of ['a', 'b', 'c']) pulls.ask(wants(name), wants(name).spec.containers[0]!);
  await clock.advance(0);
  await pulls[Symbol.asyncDispose]();
  assert.deepEqual([registry.started, registry.under], [['a'], []]);
});

test('a failed pull is tried again after its back-off, whatever becomes of the clock on the wall', async () => {
  const { registry, pulls, clock } = aNode(1);
  await using _pulls = pulls;
  const pod = wants('a');
  pulls.ask(pod, pod.spec.containers[0]!);
  await clock.advance(0);
  await registry.fails('a');
  const retryAtMs = () => {
    const state = pulls.states('a').get('web');
    assert.equal(state?.state, 'failed');
    return state.retryAtMs - clock.monotonic();
  };
  assert.equal(retryAtMs(), 10_000);
  clock.jump(-6 * 3_600_000);
  assert.equal(retryAtMs(), 10_000);
  await clock.advance(10_000);
  clock.jump(12 * 3_600_000);
  pulls.ask(pod, pod.spec.containers[0]!);
  await clock.advance(0);
  await registry.fails('a');
  assert.equal(retryAtMs(), 20_000); // not taken for a pod that had been well for half a day
});
