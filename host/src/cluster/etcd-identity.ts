// By what this host shows etcd who it is, and by what it knows etcd: in files, which others may change at any time.
import { rootCertificates } from 'node:tls'
import { readBounded } from '../files/bounded-read.ts'
import type { Trusted } from './certificate-look.ts'

export type EtcdOptions = {
  /** `host:port` of each member. */
  readonly endpoints: readonly string[]
  readonly tls?: EtcdTls
  readonly user?: EtcdUser
  /** For calls that name no other time. */
  readonly timeoutMs?: number
}

/** The password, or a file that holds it and nothing else but an end of line. */
export type EtcdUser = { readonly name: string } & (
  | { readonly password: string }
  | { readonly passwordFile: string }
)

/** Without a file of CAs those that Node knows are trusted. */
export type EtcdTls = {
  readonly caFile?: string
  readonly certFile?: string
  readonly keyFile?: string
  /** Whoever answers is taken for etcd, whatever certificate it shows. */
  readonly skipsVerification?: boolean
}

/** What the files hold. */
export type EtcdIdentity = {
  readonly trusted?: Trusted
  readonly user?: { readonly name: string; readonly password: string }
}

/** Throws what the reading of a file throws. */
export function readIdentity({ tls, user }: Pick<EtcdOptions, 'tls' | 'user'>): EtcdIdentity {
  return {
    ...(tls && { trusted: trustedBy(tls) }),
    ...(user && { user: { name: user.name, password: passwordOf(user) } }),
  }
}

export function readPasswordFile(path: string): string {
  return readBounded(path).toString('utf8').trimEnd()
}

function passwordOf(user: EtcdUser): string {
  return 'password' in user ? user.password : readPasswordFile(user.passwordFile)
}

function trustedBy({ caFile, certFile, keyFile }: EtcdTls): Trusted {
  return {
    ca: caFile === undefined ? Buffer.from(rootCertificates.join('\n')) : readBounded(caFile),
    ...(certFile !== undefined && { cert: readBounded(certFile) }),
    ...(keyFile !== undefined && { key: readBounded(keyFile) }),
  }
}
