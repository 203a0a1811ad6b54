import { attachmentSchema, configSchema, parseConfig } from '@conet/driver-bridge/config'
import { ConetError } from '@conet/sdk'
import { Ajv } from 'ajv'
import { describe, expect, it } from 'vitest'

const ipv4 = [{ subnet: '10.1.0.0/16', gateway: '10.1.0.1' }]
const ipv6 = [{ subnet: 'fd00::/64', gateway: 'fd00::1' }]
const parse = (config: Record<string, unknown>, subnets = ipv4) => parseConfig({ config, subnets })

describe('the config of a bridge network', () => {
  it('has defaults', () => {
    expect(parse({})).toEqual({
      mtu: undefined,
      icc: true,
      hairpin: false,
      masquerade: true,
      macAddress: undefined,
      hostAccess: true,
      hostServices: [],
      egress: { usual: 'allow', denied: [], isDenialFirst: true },
    })
  })

  it('takes a MAC in any case', () => {
    expect(parse({ mac_address: '0A:BB:CC:DD:EE:FF' }).macAddress).toBe('0a:bb:cc:dd:ee:ff')
  })

  it.each([
    ['config.mtu', 'must be', { mtu: 67 }],
    ['config.mtu', 'must be', { mtu: '1500' }],
    ['config.icc', 'must be', { icc: 1 }],
    ['config.mac_address', 'must be a unicast MAC address, such as', { mac_address: '01:00:00:00:00:00' }],
    ['config.mac_address', 'must be a unicast MAC address, such as', { mac_address: '00:00:00:00:00:00' }],
    ['config.Icc', 'is not a known setting', { Icc: true }],
  ])('refuses %s: %s', (path, message, config) => {
    const fields = failureOf(() => parse(config)).fields
    expect(fields).toEqual([{ path, message: expect.stringContaining(message) }])
  })

  it('refuses an MTU that IPv6 cannot have, only with an IPv6 subnet', () => {
    expect(failureOf(() => parse({ mtu: 1279 }, ipv6)).fields[0]?.path).toBe('config.mtu')
    expect(parse({ mtu: 1280 }, ipv6).mtu).toBe(1280)
    expect(parse({ mtu: 1279 }, ipv4).mtu).toBe(1279)
  })

  it('[F18] names services of the machine for members that do not reach the rest of it', () => {
    const service = { protocol: 'udp', port: 53 }
    const config = { host_access: false, host_services: [{ ...service, address: 'FD00:0::35' }, service] }
    expect(parse(config).hostServices).toEqual([
      { ...service, address: 'fd00::35' },
      { ...service, address: undefined },
    ])
    const pathOf = (wrong: object) => failureOf(() => parse({ ...config, ...wrong })).fields[0]?.path
    expect(pathOf({ host_access: true })).toBe('config.host_services')
    const nobodys = ['127.0.0.53', '::1', '224.0.0.251', 'ff02::fb', '255.255.255.255', '0.0.0.1', 'fe80::1']
    for (const address of ['10.0.0.0/8', 'localhost', '::ffff:10.0.0.1', ...nobodys])
      expect(pathOf({ host_services: [service, { ...service, address }] })).toBe(
        'config.host_services[1].address',
      )
    const subnets = ['10.1.0.0/16', '10.2.0.0/31', 'fd00::/64'].map((subnet) => ({ subnet, gateway: '' }))
    const at = (address: string) =>
      parse({ ...config, host_services: [service, { ...service, address }] }, subnets)
    for (const address of ['10.1.0.0', '10.1.255.255', 'fd00::'])
      expect(failureOf(() => at(address))).toMatchObject({
        message: expect.stringMatching(/(stands for the subnet|is the broadcast address of) (10.1|fd00:)/),
        fields: [{ path: 'config.host_services[1].address' }],
      })
    for (const address of ['10.1.0.1', '10.1.255.0', '10.2.0.0', '10.2.0.1', 'fd00::ffff:ffff:ffff:ffff'])
      expect(at(address).hostServices).toContainEqual({ ...service, address })
    for (const address of ['0.0.0.0', '::', '0:0::0']) {
      const wrong = { ...config, host_services: [{ ...service, address }] }
      expect(failureOf(() => parse(wrong)).message).toContain('leave address out for all of them')
    }
  })

  it('is published as a JSON Schema that ajv takes, with each setting described', () => {
    const published = JSON.parse(JSON.stringify(configSchema))
    const isValid = new Ajv({ strict: true }).compile(published)
    expect(
      isValid({ mtu: 1400, icc: false, hairpin: true, masquerade: false, mac_address: '0a:00:00:00:00:01' }),
    ).toBe(true)
    expect(isValid({ unknown: 1 })).toBe(false)
    for (const setting of Object.values(published.properties)) expect(setting).toHaveProperty('description')
    const isAttachment = new Ajv({ strict: true }).compile(JSON.parse(JSON.stringify(attachmentSchema)))
    expect(isAttachment({})).toBe(true)
    expect(isAttachment({ any: 1 })).toBe(false)
  })
})

function failureOf(work: () => unknown): ConetError {
  try {
    work()
  } catch (error) {
    if (ConetError.is(error, 'invalidArgument')) return error
    throw error
  }
  throw new Error('nothing was refused')
}
