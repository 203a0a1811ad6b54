// The files by which this host is known to etcd, and etcd to it: looked at when conetd starts, since what is wrong with
// them is otherwise seen only as an etcd that cannot be reached.
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { type EtcdTls, readPasswordFile } from '../cluster/etcd-identity.ts'
import { readBounded } from '../files/bounded-read.ts'
import { wrongSetting } from './cluster-setting-error.ts'

type Key = 'ca' | 'cert' | 'key' | 'password_file'

/** Throws `invalidArgument` that names the setting whose file cannot be read, or is not what it should be. */
export function checkTls({ caFile, certFile, keyFile }: EtcdTls): void {
  if (caFile !== undefined) certificateOf('ca', caFile)
  if (certFile === undefined || keyFile === undefined) return
  const certificate = certificateOf('cert', certFile)
  const key = parse('key', keyFile, 'private key', createPrivateKey)
  if (!certificate.checkPrivateKey(key)) throw wrongSetting('key', `is not the key of ${certFile}`)
}

/** The same of the file with the password. */
export function checkPassword(path: string): void {
  read('password_file', path, readPasswordFile)
}

function certificateOf(setting: Key, path: string): X509Certificate {
  return parse(setting, path, 'certificate', (pem) => new X509Certificate(pem))
}

function parse<T>(setting: Key, path: string, what: string, work: (pem: Buffer) => T): T {
  const pem = read(setting, path, readBounded)
  try {
    return work(pem)
  } catch (cause) {
    throw wrongSetting(setting, `${path} holds no ${what} in PEM: ${wordsOf(cause)}`)
  }
}

function read<T>(setting: Key, path: string, work: (path: string) => T): T {
  try {
    return work(path)
  } catch (cause) {
    throw wrongSetting(setting, `cannot be read: ${wordsOf(cause)}`)
  }
}

function wordsOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
