// Descriptions of what all objects share.
import type { Descriptions } from '../descriptions.ts';

export const metaDescriptions: Descriptions = {
  ObjectMeta: {
    '': 'What all objects have: who they are, what is said about them, who owns them.',
    name: 'The name, unique for its kind within the namespace; it never changes.',
    generateName: 'Start of the name when name is unset; the server adds a random end.',
    namespace: 'The namespace the object is in; empty for kinds that are in none.',
    selfLink: 'No longer filled in.',
    uid: 'Identity over time: another object of the same name has another one. Set by the server.',
    resourceVersion:
      'Changes with every write. Sent along with a write, it is refused if the object has changed since.',
    generation: 'Counts the changes of what is wanted. Set by the server.',
    creationTimestamp: 'When the object was created. Set by the server.',
    deletionTimestamp: 'When the object is to be gone. Set by the server when deletion is asked for.',
    deletionGracePeriodSeconds:
      'How long it may take to end before it is removed. Set together with deletionTimestamp.',
    labels: 'Short keys and values to select objects by.',
    annotations: 'Keys and values of any content for tools; nothing can be selected by them.',
    ownerReferences: 'Objects this one belongs to: when all of them are gone, it goes too.',
    finalizers: 'Who must finish work before the object may disappear; each removes its own entry.',
    managedFields: 'Which fields were set by whom; kept by the server for server-side apply.',
  },
  OwnerReference: {
    '': 'An object that owns this one. It must be in the same namespace, or in none.',
    apiVersion: 'Group and version of the owner.',
    kind: 'Kind of the owner.',
    name: 'Name of the owner.',
    uid: 'Identity of the owner.',
    controller: 'Whether this owner is the one that manages the object.',
    blockOwnerDeletion: 'Whether the owner, deleted in the foreground, waits for this object to go first.',
  },
  ManagedFieldsEntry: {
    '': 'The fields that one manager has set by one way of writing.',
    manager: 'Who wrote.',
    operation: 'Apply for server-side apply, Update for everything else.',
    apiVersion: 'The version the fields are named in.',
    time: 'When this entry last changed.',
    fieldsType: 'The format of the set: always FieldsV1.',
    fieldsV1: 'The set of fields, as a tree.',
    subresource: 'The subresource that was written, if it was not the object itself.',
  },
  LabelSelector: {
    '': 'Selects objects by their labels; everything that is said must hold. An empty selector selects everything.',
    matchLabels: 'Labels that must have exactly these values.',
    matchExpressions: 'Further conditions on labels.',
  },
  LabelSelectorRequirement: {
    '': 'One condition on a label.',
    key: 'The key of the label.',
    operator: 'In, NotIn, Exists or DoesNotExist.',
    values: 'The values for In and NotIn; none for the others.',
  },
  Condition: {
    '': 'One thing that has been found out about an object.',
    type: 'What was looked at, in CamelCase.',
    status: 'True, False or Unknown.',
  },
  DeleteOptions: {
    '': 'How to delete.',
    gracePeriodSeconds: 'How long the object may take to end; 0 removes it at once.',
    preconditions: 'What must hold, or nothing is deleted.',
    orphanDependents: 'The older way of saying propagationPolicy.',
    propagationPolicy:
      'What happens to dependents: Orphan keeps them, Background deletes them afterwards, Foreground before.',
    dryRun: 'All: everything is checked and nothing is stored.',
    ignoreStoreReadErrorWithClusterBreakingPotential: 'Deletes an object that can no longer be read from the store.',
  },
  Preconditions: {
    '': 'What must hold of an object for a write to happen.',
    uid: 'It must be this very object.',
    resourceVersion: 'It must not have changed since this version.',
  },
  Status: {
    '': 'The answer to a request that is not an object, most often an error.',
    status: 'Success or Failure.',
    details: 'More about the failure, for programs.',
    code: 'The HTTP status.',
  },
  ListMeta: {
    '': 'What all lists have.',
    selfLink: 'No longer filled in.',
    resourceVersion: 'The version that the whole list is of; a watch can go on from here.',
    continue: 'If set, there is more: send it back for the next part.',
    remainingItemCount: 'How many items are still to come, if that is known.',
    shardInfo: 'Which shard of the list this is, if only one was asked for.',
  },
};
