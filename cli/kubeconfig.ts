// The kubeconfig of the administrator: everything inside, so that one file can be copied to another machine.

export interface KubeconfigParts {
  readonly server: string;
  readonly caPem: string;
  readonly certPem: string;
  readonly keyPem: string;
}

export function kubeconfig({ server, caPem, certPem, keyPem }: KubeconfigParts): string {
  const base64 = (pem: string) => Buffer.from(pem).toString('base64');
  return `apiVersion: v1
kind: Config
clusters:
- name: skiff
  cluster:
    server: ${server}
    certificate-authority-data: ${base64(caPem)}
users:
- name: skiff-admin
  user:
    client-certificate-data: ${base64(certPem)}
    client-key-data: ${base64(keyPem)}
contexts:
- name: skiff
  context:
    cluster: skiff
    user: skiff-admin
current-context: skiff
`;
}
