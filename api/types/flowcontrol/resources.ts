// The resources of flowcontrol.apiserver.k8s.io/v1.
import type { ResourceDefinition } from '../../resource.ts';
import { AGE, ALL_VERBS, NAME, PART, text } from '../resource-parts.ts';
import { FlowSchema } from './flow-schema.ts';
import { PriorityLevelConfiguration } from './priority-level-configuration.ts';

export const flowSchemas: ResourceDefinition<FlowSchema> = {
  group: 'flowcontrol.apiserver.k8s.io',
  version: 'v1',
  kind: 'FlowSchema',
  listKind: 'FlowSchemaList',
  plural: 'flowschemas',
  singular: 'flowschema',
  namespaced: false,
  verbs: ALL_VERBS,
  schema: FlowSchema,
  subresources: {
    status: PART,
  },
  columns: [
    NAME,
    text('PriorityLevel', 'spec.priorityLevelConfiguration.name'),
    text('MatchingPrecedence', 'spec.matchingPrecedence'),
    text('DistinguisherMethod'),
    AGE,
    text('MissingPL'),
  ],
};

export const priorityLevelConfigurations: ResourceDefinition<PriorityLevelConfiguration> = {
  group: 'flowcontrol.apiserver.k8s.io',
  version: 'v1',
  kind: 'PriorityLevelConfiguration',
  listKind: 'PriorityLevelConfigurationList',
  plural: 'prioritylevelconfigurations',
  singular: 'prioritylevelconfiguration',
  namespaced: false,
  verbs: ALL_VERBS,
  schema: PriorityLevelConfiguration,
  subresources: {
    status: PART,
  },
  columns: [
    NAME,
    text('Type', 'spec.type'),
    text('NominalConcurrencyShares'),
    text('Queues'),
    text('HandSize'),
    text('QueueLengthLimit'),
    AGE,
  ],
};

export const flowcontrolResources: readonly ResourceDefinition[] = [flowSchemas, priorityLevelConfigurations];
