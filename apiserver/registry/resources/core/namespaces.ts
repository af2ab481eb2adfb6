// Namespaces: deleted in two steps. The first turns them Terminating; they go when their finalizers are taken away, by
// the controller that has emptied them.

import { dns1123Label } from '../../../../api/names.ts';
import { conflict, invalid, MODIFIED } from '../../../../api/status.ts';
import type { Namespace } from '../../../../api/types/core/namespace.ts';
import { decodeBody } from '../../codec.ts';
import { checkNames } from '../../metadata.ts';
import { copyOf } from '../../objects.ts';
import type { Handler, Strategy } from '../../strategy.ts';
import { asPrefixToo, finalizerNameProblems } from '../../validation/object-meta.ts';
import { invalidValue } from '../../validation/problems.ts';
import { each } from '../../validation/values.ts';
import { overwriteRaw } from '../../write.ts';

const KUBERNETES = 'kubernetes';
const NAME_LABEL = 'kubernetes.io/metadata.name';

const finalize: Handler = async (request, registry) => {
  const of = registry.storeOf(request.resource);
  const sent = (await decodeBody(request.resource, request)) as Namespace;
  checkNames(request, sent);
  return overwriteRaw(of, request, (cached) => {
    const { resourceVersion } = sent.metadata;
    if (resourceVersion && resourceVersion !== String(cached.revision)) {
      throw conflict(of.definition, request.name, MODIFIED);
    }
    const problems = each(sent.spec.finalizers, 'spec.finalizers', finalizerNameProblems);
    if (problems.length > 0) throw invalid(of.definition, request.name, problems);
    const next = copyOf<Namespace>(cached);
    next.spec.finalizers = sent.spec.finalizers;
    if (!next.spec.finalizers?.length) delete next.spec.finalizers;
    return next;
  });
};

export const namespaceStrategy: Strategy<Namespace> = {
  nameProblems: asPrefixToo(dns1123Label),
  validateCreate: ({ spec }) =>
    (spec.finalizers ?? []).flatMap((name) => finalizerNameProblems(name, 'spec.finalizers')),
  defaults({ metadata }) {
    // So that selectors can choose namespaces by name.
    if (metadata.name) metadata.labels = { ...metadata.labels, [NAME_LABEL]: metadata.name };
  },
  prepareForCreate(namespace) {
    const finalizers = namespace.spec.finalizers ?? [];
    namespace.spec.finalizers = finalizers.includes(KUBERNETES) ? finalizers : [...finalizers, KUBERNETES];
  },
  prepareForUpdate(next, current) {
    next.spec.finalizers = current.spec.finalizers;
    if (next.spec.finalizers === undefined) delete next.spec.finalizers;
  },
  isHeld: ({ spec }) => (spec.finalizers?.length ?? 0) > 0,
  markDeleted(namespace) {
    namespace.status.phase = 'Terminating';
  },
  subresources: {
    status: {
      validateUpdate({ metadata, status }) {
        const { phase = '' } = status;
        const [only, when] =
          metadata.deletionTimestamp === undefined ? ['Active', 'empty'] : ['Terminating', 'not empty'];
        if (phase === only || (phase as string) === '') return [];
        return [invalidValue('status.Phase', phase, `may only be '${only}' if \`deletionTimestamp\` is ${when}`)];
      },
    },
    finalize: { handlers: { update: finalize } },
  },
};
