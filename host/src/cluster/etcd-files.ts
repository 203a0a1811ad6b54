// The files by which this host is known to etcd, and etcd to it: looked at when conetd starts, and each time
// that they are read again, since what is wrong with them is otherwise seen only as an etcd that cannot be reached.
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { ConetError } from '@conet/sdk'
import { readBounded } from '../files/bounded-read.ts'
import { type EtcdTls, readPasswordFile } from './etcd-identity.ts'
import { wrongSetting } from './wrong-setting.ts'

/** As PKCS #8 has it (RFC 7468), and as OpenSSL had it before (RFC 1421). */
const encrypted = /^(-----BEGIN ENCRYPTED PRIVATE KEY-----|Proc-Type: 4,ENCRYPTED)/m

type Key = 'ca' | 'cert' | 'key' | 'password_file'

/** Throws `invalidArgument` that names the setting whose file cannot be read, or is not what it should be. */
export function checkTls({ caFile, certFile, keyFile }: EtcdTls): void {
  if (caFile !== undefined) certificateOf('ca', caFile)
  const certificate = certFile === undefined ? undefined : certificateOf('cert', certFile)
  const key = keyFile === undefined ? undefined : parse('key', keyFile, 'private key', privateKeyOf)
  if (certificate !== undefined && key !== undefined && !certificate.checkPrivateKey(key))
    throw wrongSetting('key', `is not the key of ${certFile}`)
}

/** The same of the file with the password. */
export function checkPassword(path: string): void {
  const password = read('password_file', path, readPasswordFile)
  if (password === '') throw wrongSetting('password_file', `${path} is empty`)
  if (/[\r\n]/.test(password))
    throw wrongSetting('password_file', `${path} has more than one line: the password and nothing else`)
}

function privateKeyOf(pem: Buffer): KeyObject {
  if (encrypted.test(pem.toString('latin1')))
    throw wrongSetting(
      'key',
      'is encrypted, and nobody can be asked for its passphrase: give one that is not',
    )
  return createPrivateKey(pem)
}

function certificateOf(setting: Key, path: string): X509Certificate {
  return parse(setting, path, 'certificate', (pem) => new X509Certificate(pem))
}

function parse<T>(setting: Key, path: string, what: string, work: (pem: Buffer) => T): T {
  const pem = read(setting, path, readBounded)
  try {
    return work(pem)
  } catch (cause) {
    if (ConetError.is(cause)) throw cause
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
