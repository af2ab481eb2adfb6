// Flow schemas and priority levels.
import type { FlowSchema } from '../../../../api/types/flowcontrol/flow-schema.ts';
import type { PriorityLevelConfiguration } from '../../../../api/types/flowcontrol/priority-level-configuration.ts';
import type { Strategy } from '../../strategy.ts';
import { flowSchemaProblems, priorityLevelProblems } from '../../validation/flow-control.ts';

export const flowSchemaStrategy: Strategy<FlowSchema> = {
  hasGeneration: true,
  validateCreate: flowSchemaProblems,
  validateUpdate: flowSchemaProblems,
};

export const priorityLevelStrategy: Strategy<PriorityLevelConfiguration> = {
  hasGeneration: true,
  validateCreate: priorityLevelProblems,
  validateUpdate: priorityLevelProblems,
};
