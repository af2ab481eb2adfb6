// What the server process is told at its start. cli/ fills it from flags, environment and file (cli/options.ts is
// the one table of names and defaults); nothing in the server reads any of the three itself.
import type { HttpLimits } from './http/limits.ts';

export interface ServerConfig {
  /** Which of the three parts this process runs. */
  readonly run: readonly ServerPart[];
  readonly bindAddress: string;
  readonly port: number;
  /** The address under which others reach this server: the endpoint of the `kubernetes` service. */
  readonly advertiseAddress: string;
  /** State that must survive. The server makes the folder (0700). */
  readonly dataDir: string;
  readonly runDir: string;
  readonly store: StoreConfig;
  readonly pki: ServerPki;
  /** The issuer and the default audience of service account tokens. */
  readonly serviceAccountIssuer: string;
  /** How long certificates signed for requests are valid at most. */
  readonly signingDurationMs: number;
  /** The node on this machine: it may bear the API's address in its certificates. */
  readonly localNode: string;
  readonly clusterDomain: string;
  /** One range per address family, the preferred family first. */
  readonly clusterCidrs: readonly string[];
  readonly serviceCidrs: readonly string[];
  readonly clusterDns: readonly string[];
  readonly nodePortRange: { readonly from: number; readonly to: number };
  readonly log: LogConfig;
  /** Of what clients may ask; the rest is as `http/limits.ts` has it. */
  readonly httpLimits?: Partial<HttpLimits>;
}

export type ServerPart = 'api' | 'scheduler' | 'controllers';

export type StoreConfig =
  | { readonly kind: 'embedded'; readonly path: string }
  | { readonly kind: 'memory' }
  | {
      readonly kind: 'etcd';
      readonly endpoints: readonly string[];
      readonly caFile?: string;
      readonly certFile?: string;
      readonly keyFile?: string;
    };

/** Paths of PEM files; cli/pki.ts writes them and renews them before they expire. */
export interface ServerPki {
  /** The serving certificate with its key. */
  readonly certFile: string;
  readonly keyFile: string;
  /** What clients trust: published to every namespace as `kube-root-ca.crt`. */
  readonly rootCaFile: string;
  /** Client certificates signed by this authority are believed. */
  readonly clientCaFile: string;
  /** Signs service account tokens (EC P-256, so ES256); its public half verifies them. */
  readonly serviceAccountKeyFile: string;
  /** How the server presents itself to kubelets, and what it believes of them. */
  readonly kubeletClientCertFile: string;
  readonly kubeletClientKeyFile: string;
  readonly kubeletCaFile: string;
  /** Signs what was approved; without them requests stay unsigned. */
  readonly signingCertFile?: string;
  readonly signingKeyFile?: string;
}

export interface LogConfig {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly format: 'auto' | 'json' | 'text';
}
