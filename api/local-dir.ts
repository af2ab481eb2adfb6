// Volumes that are directories of a node, made there for their claim: what server and agent call them.

export const LOCAL_DIR = 'skiff.local/dir';
export const PROVISIONED_BY = 'pv.kubernetes.io/provisioned-by';
