import {
  interfaceSysctl,
  KernelError,
  type Namespace,
  readSysctl,
  readSysctlIfThere,
  type SysctlKey,
  writeSysctl,
} from '@conet/sdk/linux'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { NamespaceFixture } from '../../support/namespace-fixture.ts'

let fixture: NamespaceFixture
let namespace: Namespace

beforeEach(() => {
  fixture = new NamespaceFixture()
  namespace = fixture.make('a')
})

afterEach(() => fixture[Symbol.dispose]())

it('a setting is written in the namespace and nowhere else, and its former value comes back', () => {
  const own = readSysctl(undefined, 'ipv4/ip_default_ttl')
  expect(writeSysctl(namespace, { key: 'ipv4/ip_default_ttl', value: 77 })).toBe('64')
  expect(readSysctl(namespace, 'ipv4/ip_default_ttl')).toBe('77')
  expect(readSysctl(undefined, 'ipv4/ip_default_ttl')).toBe(own)
  expect(fixture.exec('a', 'cat /proc/sys/net/ipv4/ip_default_ttl')).toBe('77\n')
  expect(writeSysctl(namespace, { key: 'ipv4/ip_default_ttl', value: '64' })).toBe('77')
})

it('a setting of several numbers is put back from what was read', () => {
  const key = 'ipv4/ip_local_port_range'
  const previous = writeSysctl(namespace, { key, value: '2000 3000' })
  expect(readSysctl(namespace, key)).toBe('2000\t3000')
  writeSysctl(namespace, { key, value: previous })
  expect(readSysctl(namespace, key)).toBe(previous)
})

it('an interface is addressed by its name, dots included', () => {
  fixture.exec('a', 'ip link add br0.1 type bridge')
  const key = interfaceSysctl('ipv4', { interfaceName: 'br0.1', setting: 'accept_local' })
  writeSysctl(namespace, { key, value: 1 })
  expect(readSysctl(namespace, key)).toBe('1')
})

it('a setting that is not there, and a value that the kernel refuses, are typed errors that name them', () => {
  const refused = (work: () => void) => {
    try {
      work()
    } catch (error) {
      if (KernelError.is(error)) return `${error.code} ${error.operation}`
      throw error
    }
    return 'accepted'
  }
  expect(refused(() => readSysctl(namespace, 'ipv4/none'))).toBe('ENOENT read sysctl net/ipv4/none')
  expect(refused(() => writeSysctl(namespace, { key: 'ipv4/ip_forward', value: 'x' }))).toBe(
    'EINVAL set sysctl net/ipv4/ip_forward to x',
  )
})

it('a setting may be asked for that the kernel does not have, but none that it does not let be read', () => {
  expect(readSysctlIfThere(namespace, 'ipv4/none')).toBeUndefined()
  expect(readSysctlIfThere(namespace, 'ipv4/ip_default_ttl')).toBe(
    readSysctl(namespace, 'ipv4/ip_default_ttl'),
  )
  const unreadable = () => readSysctlIfThere(namespace, 'ipv4/route/flush')
  expect(unreadable).toThrow(expect.objectContaining({ name: 'KernelError' }))
})

it.each<SysctlKey>([
  'ipv4/../../kernel/hostname',
  'ipv4/./ip_forward',
  'ipv4//ip_forward',
  'ipv4/',
  'ipv4/a\0b',
])('a path trick such as %j is refused', (key) => {
  expect(() => readSysctl(namespace, key)).toThrow(expect.objectContaining({ kind: 'invalidArgument' }))
  expect(() => writeSysctl(namespace, { key, value: 1 })).toThrow(
    expect.objectContaining({ kind: 'invalidArgument' }),
  )
})

it('an interface name with a slash is refused, so that it reaches no other setting', () => {
  expect(() => interfaceSysctl('ipv4', { interfaceName: '../x', setting: 'y' })).toThrow(/cannot be part/)
  expect(() => interfaceSysctl('ipv4', { interfaceName: '..', setting: 'y' })).toThrow(/cannot be part/)
})
