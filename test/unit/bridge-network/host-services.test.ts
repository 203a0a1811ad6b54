import { describe, expect, it } from 'vitest'
import { admits, serviceMembers } from '../../../sdk/dist/bridge-network/firewall/host-services.js'
import { changeOf } from '../../../sdk/dist/bridge-network/firewall/ruleset.js'
import { parseIp } from '../../../sdk/dist/linux/index.js'

const dns = { protocol: 'udp', port: 53, address: '10.0.0.1' } as const
const api = { protocol: 'tcp', port: 443, address: undefined } as const

function flow(protocol: number, [address, port]: readonly [string, number]) {
  return { original: { protocol }, reply: { source: parseIp(address).bytes, sourcePort: port } }
}

describe('[F18] services of the machine', () => {
  it('are the same in whatever order they were named, and each once', () => {
    expect(serviceMembers([dns, api, dns])).toEqual(serviceMembers([api, dns]))
  })

  it('are elements behind the bridge, of the set of their kind', () => {
    const [first, second] = serviceMembers([dns, { ...dns, address: 'fd00::1' }])
    const after = [first, second].flatMap((member) => member ?? [])
    expect(changeOf('inet t', 'cnb1', { before: [], after }).split('\n')).toEqual([
      'add element inet t services4 { "cnb1" . udp . 53 . 10.0.0.1 }',
      'add element inet t services6 { "cnb1" . udp . 53 . fd00::1 }',
    ])
  })

  it('let in the flows that lead to them, and no others', () => {
    const members = serviceMembers([dns, api])
    const isLetIn = (protocol: number, ...end: readonly [string, number]) =>
      admits(members, flow(protocol, end))
    expect([isLetIn(17, '10.0.0.1', 53), isLetIn(6, '192.0.2.1', 443), isLetIn(6, 'fd00::1', 443)]).toEqual([
      true,
      true,
      true,
    ])
    expect([isLetIn(17, '192.0.2.1', 53), isLetIn(6, '10.0.0.1', 53), isLetIn(1, '10.0.0.1', 53)]).toEqual([
      false,
      false,
      false,
    ])
  })
})
