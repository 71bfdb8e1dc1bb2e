/** What programs may reach on the network, and values that they may send without seeing them. */

import type { Callback, CallbackContext } from "./callbacks.js";

/** A connection that a program wants. */
export interface NetAttempt {
  /** "tcp" or "udp". */
  readonly protocol: string;
  /** The name that the program resolved to the address, or the address. */
  readonly host: string;
  /** What will be dialled, or where a connection comes from. */
  readonly address: string;
  readonly port: number;
  /** The program wants to listen on the address, or accepts a connection from there. */
  readonly listen: boolean;
}

/** Decides about a connection that the rules allow: `false` and what is thrown refuse it. */
export type OnConnect = (attempt: NetAttempt, context: CallbackContext) => unknown;

/** What TLS connections show to certain servers. Programs see neither. */
export interface ClientCertificate {
  /** PEM; may be a chain. */
  certificate: Uint8Array;
  /** PEM. */
  key: Uint8Array;
  /** Rules for the servers that it is for; default all. */
  hosts?: readonly string[] | undefined;
}

/**
 * Rules of the network. A rule for hosts is `[tcp://|udp://]host[:ports]`: host is a name, in which `*` stands for any
 * characters, an address or a range of addresses. Every connection is decided on the address that is dialled.
 */
export interface NetConfigOptions {
  /** Sockets at once; default 10, null: no limit. */
  maxConnections?: number | null | undefined;
  /** How long one connect may take, in milliseconds; default 30,000. */
  connectTimeoutMs?: number | undefined;
  /** How long one read or write may wait, whatever timeout the program asks for; default 60,000. */
  ioTimeoutMs?: number | undefined;
  /** Rules; with one of them nothing else is allowed. */
  allowedHosts?: readonly string[] | undefined;
  /** Rules; refused in any case. */
  blockedHosts?: readonly string[] | undefined;
  /** Addresses that are refused whatever name led to them; default: all that are not public. */
  blockedNetworks?: readonly string[] | undefined;
  /** Exempt from `blockedNetworks`. */
  allowedNetworks?: readonly string[] | undefined;
  /** Names that may lead into `blockedNetworks`: only hosts whose DNS you control. */
  internalHosts?: readonly string[] | undefined;
  /** "443" or "8000-8999"; default all. */
  allowedPorts?: readonly string[] | undefined;
  blockedPorts?: readonly string[] | undefined;
  /** Addresses on which programs may listen, "localhost" for the loopback ones; default none. */
  listen?: readonly string[] | undefined;
  /** Datagrams too. */
  udp?: boolean | undefined;
  /** Trusted for TLS beside the system's; DER or PEM. */
  rootCertificates?: readonly Uint8Array[] | undefined;
  /** Trust `rootCertificates` only. */
  noSystemRoots?: boolean | undefined;
  clientCertificates?: readonly ClientCertificate[] | undefined;
  /** Programs may switch off the verification of certificates, and trust others. */
  allowInsecureTls?: boolean | undefined;
  /** What may be sent in the life of an interpreter; default and null: no limit. */
  maxBytesUp?: number | null | undefined;
  /** What may be received. */
  maxBytesDown?: number | null | undefined;
  /** How long an answer of the resolver is used again; default 30,000. */
  dnsCacheMs?: number | undefined;
  /** Gives programs `await fetch(url)`: HTTP requests that the library makes, under the same rules. */
  fetch?: boolean | undefined;
  /** Refuses sockets, so that only `fetch` is left. */
  noSockets?: boolean | undefined;
  /** Asked about each connection that the rules allow. */
  onConnect?: OnConnect | undefined;
}

const LOOPBACK = ["127.0.0.0/8", "::1"];
const LOCAL_NAMES = ["localhost", "*.localhost", ...LOOPBACK];

/**
 * Grants the network, under rules. `new NetConfig()` lets programs connect to every host whose address is public. The methods
 * return a changed copy. A plain object with the same fields does as well.
 *
 * @example
 * const network = new NetConfig({ fetch: true }).allowHost("api.example.com:443");
 * new Sandbox({ network });
 */
export class NetConfig implements NetConfigOptions {
  declare readonly maxConnections?: number | null | undefined;
  declare readonly connectTimeoutMs?: number | undefined;
  declare readonly ioTimeoutMs?: number | undefined;
  declare readonly allowedHosts?: readonly string[] | undefined;
  declare readonly blockedHosts?: readonly string[] | undefined;
  declare readonly blockedNetworks?: readonly string[] | undefined;
  declare readonly allowedNetworks?: readonly string[] | undefined;
  declare readonly internalHosts?: readonly string[] | undefined;
  declare readonly allowedPorts?: readonly string[] | undefined;
  declare readonly blockedPorts?: readonly string[] | undefined;
  declare readonly listen?: readonly string[] | undefined;
  declare readonly udp?: boolean | undefined;
  declare readonly rootCertificates?: readonly Uint8Array[] | undefined;
  declare readonly noSystemRoots?: boolean | undefined;
  declare readonly clientCertificates?: readonly ClientCertificate[] | undefined;
  declare readonly allowInsecureTls?: boolean | undefined;
  declare readonly maxBytesUp?: number | null | undefined;
  declare readonly maxBytesDown?: number | null | undefined;
  declare readonly dnsCacheMs?: number | undefined;
  declare readonly fetch?: boolean | undefined;
  declare readonly noSockets?: boolean | undefined;
  declare readonly onConnect?: OnConnect | undefined;

  /** @throws TypeError for an unknown field. Rules that make no sense are refused by who is given the configuration. */
  constructor(options: NetConfigOptions = {}) {
    networkMessage(options);
    Object.assign(this, options);
  }

  /** Reaches everything, the host's own services included, with 100 connections at once. */
  static permissive(): NetConfig {
    return new NetConfig({ maxConnections: 100, blockedNetworks: [] });
  }

  #with(more: NetConfigOptions): NetConfig {
    return new NetConfig({ ...this, ...more });
  }

  /** With a rule in `allowedHosts`: what no rule allows is refused. */
  allowHost(pattern: string): NetConfig {
    return this.#with({ allowedHosts: [...(this.allowedHosts ?? []), pattern] });
  }

  /** With a rule in `blockedHosts`. */
  blockHost(pattern: string): NetConfig {
    return this.#with({ blockedHosts: [...(this.blockedHosts ?? []), pattern] });
  }

  /** With a range of addresses in `allowedNetworks`. */
  allowNetwork(cidr: string): NetConfig {
    return this.#with({ allowedNetworks: [...(this.allowedNetworks ?? []), cidr] });
  }

  /** With a rule in `internalHosts`: only name hosts whose DNS you control. */
  allowInternalHost(pattern: string): NetConfig {
    return this.#with({ internalHosts: [...(this.internalHosts ?? []), pattern] });
  }

  /** With the loopback addresses allowed. */
  allowLocalhost(): NetConfig {
    const allowedNetworks = [...(this.allowedNetworks ?? []), ...LOOPBACK];
    const hosts = this.allowedHosts ?? [];
    return this.#with({ allowedNetworks, allowedHosts: hosts.length === 0 ? hosts : [...hosts, ...LOCAL_NAMES] });
  }

  /** With a certificate, DER or PEM, in `rootCertificates`. */
  withRootCertificate(certificate: Uint8Array): NetConfig {
    return this.#with({ rootCertificates: [...(this.rootCertificates ?? []), certificate] });
  }
}

const FIELDS: Readonly<Record<keyof NetConfigOptions, string>> = {
  maxConnections: "max_connections",
  connectTimeoutMs: "connect_timeout_ms",
  ioTimeoutMs: "io_timeout_ms",
  allowedHosts: "allowed_hosts",
  blockedHosts: "blocked_hosts",
  blockedNetworks: "blocked_networks",
  allowedNetworks: "allowed_networks",
  internalHosts: "internal_hosts",
  allowedPorts: "allowed_ports",
  blockedPorts: "blocked_ports",
  listen: "listen",
  udp: "udp",
  rootCertificates: "root_certificates",
  noSystemRoots: "no_system_roots",
  clientCertificates: "client_certificates",
  allowInsecureTls: "allow_insecure_tls",
  maxBytesUp: "max_bytes_up",
  maxBytesDown: "max_bytes_down",
  dnsCacheMs: "dns_cache_ms",
  fetch: "fetch",
  noSockets: "no_sockets",
  onConnect: "on_connect",
};

/** A network as a message has it. */
export function networkMessage(network: NetConfigOptions | undefined): Record<string, unknown> | undefined {
  if (network === undefined) return undefined;
  const message: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(network)) {
    if (!Object.hasOwn(FIELDS, name)) throw new TypeError(`a network has no field ${JSON.stringify(name)}`);
    message[FIELDS[name as keyof NetConfigOptions]] = value === null ? -1 : value;
  }
  if (network.onConnect !== undefined) {
    if (typeof network.onConnect !== "function") throw new TypeError("onConnect must be a function");
    message.on_connect = true;
  }
  return message;
}

/** What decides about connections, as a host function. */
export function decider(onConnect: OnConnect | undefined): Callback | undefined {
  if (onConnect === undefined) return undefined;
  const decide = (answer: unknown): boolean => answer === undefined || answer === null || Boolean(answer);
  const fn = (attempt: NetAttempt, context: CallbackContext): unknown => {
    const answer = onConnect(attempt, context);
    return answer instanceof Promise ? answer.then(decide) : decide(answer);
  };
  return { fn, stream: false, message: {} };
}

/**
 * A value that programs may send without seeing it: their environment has a placeholder, which is replaced in header values of
 * requests to hosts that the secret is for.
 */
export interface Secret {
  value: string;
  /** Rules; default those of the network, and if there are none either, every host. */
  allowedHosts?: readonly string[] | undefined;
}

/** Where placeholders of secrets become `[REDACTED]`; default everywhere but in results. */
export interface Scrub {
  stdout?: boolean | undefined;
  stderr?: boolean | undefined;
  /** The result variable, and what functions of the program return. */
  result?: boolean | undefined;
  files?: boolean | undefined;
}

/** Secrets as a message has them. */
export function secretMessages(secrets: Readonly<Record<string, Secret>> | undefined): unknown[] | undefined {
  if (secrets === undefined) return undefined;
  return Object.entries(secrets).map(([name, secret]) => {
    if (typeof secret?.value !== "string")
      throw new TypeError(`the secret ${name} must be an object with a text "value"`);
    return { name, value: secret.value, allowed_hosts: secret.allowedHosts };
  });
}
