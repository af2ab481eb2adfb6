// What the agent's main starts of this room: pulls, with everything a pod may show for an image and the notes of who
// may use what is here.
import { join } from 'node:path';
import type { Client } from '../../api/client/client.ts';
import type { Clock } from '../../api/clock.ts';
import type { Logger } from '../../api/log.ts';
import { serviceAccounts } from '../../api/types/core/resources.ts';
import type { AgentConfig } from '../config.ts';
import type { ImageClient } from '../cri/images.ts';
import type { Objects } from '../pods/objects.ts';
import type { Tokens } from '../volumes/service-account-token.ts';
import { ContentStore } from './content.ts';
import { credentialFinder } from './credentials.ts';
import { Provider } from './provider.ts';
import { readProviders } from './provider-config.ts';
import { PulledRecords } from './pulled-records.ts';
import { ImagePulls, type PodEvent } from './pulls.ts';

export interface PullsOptions {
  readonly config: Pick<AgentConfig, 'images' | 'kubeletDir' | 'runtime'>;
  readonly images: ImageClient;
  readonly client: Client;
  readonly objects: Objects;
  readonly tokens: Tokens;
  readonly event: PodEvent;
  /** There is news of an image that this pod waits for. */
  readonly wake: (uid: string) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface Pulls extends AsyncDisposable {
  readonly pulls: ImagePulls;
  readonly records: PulledRecords;
}

export async function startPulls(options: PullsOptions): Promise<Pulls> {
  const { config, images, client, objects, tokens, event, wake, clock, log } = options;
  const { providerConfig, providerBinDir: binDir = '', verification, parallelPulls } = config.images;
  const asking = {
    serviceAccount: (namespace: string, name: string, until: AbortSignal) =>
      client.get(serviceAccounts, { namespace, name }, {}, until),
    token: (...asked: Parameters<Tokens['token']>) => tokens.token(...asked),
    ...{ binDir, clock, log },
  };
  const programs = providerConfig === undefined ? [] : await readProviders(providerConfig, binDir);
  const credentials = credentialFinder({
    providers: programs.map((program) => new Provider(program, asking)),
    nodeConfig: join(config.kubeletDir, 'config.json'),
    ...{ objects, clock, log },
  });
  const dir = join(config.kubeletDir, 'image_manager');
  const records = new PulledRecords({ dir, settings: verification, clock, log });
  await using opened = new AsyncDisposableStack();
  const content = opened.use(new ContentStore(config.runtime.socket, clock));
  const parallel = parallelPulls;
  const pulls = opened.use(new ImagePulls({ images, clock, event, wake, records, content, credentials, parallel }));
  const all = opened.move();
  return { pulls, records, [Symbol.asyncDispose]: () => all.disposeAsync() };
}
