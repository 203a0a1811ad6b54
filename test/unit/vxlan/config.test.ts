import { parseConfig } from '@conet/driver-vxlan/config'
import { describe, expect, it } from 'vitest'

const subnets = [{ subnet: '10.1.0.0/16', gateway: '10.1.0.1' }]

describe('the config of a vxlan network', () => {
  it('takes the VNI from the host, or from the user where the host assigns none', () => {
    expect(parseConfig({ config: {}, segmentId: 7, subnets })).toMatchObject({
      vni: 7,
      vniField: 'segmentId',
      port: 4789,
    })
    expect(parseConfig({ config: { vni: 7 }, subnets })).toMatchObject({ vni: 7, vniField: 'config.vni' })
    expect(parseConfig({ config: { vni: 7 }, segmentId: 7, subnets })).toMatchObject({ vni: 7 })
  })

  it.each([
    ['config.vni', { config: {} }],
    ['config.vni', { config: { vni: 0 } }],
    ['config.vni', { config: { vni: 7 }, segmentId: 8 }],
    ['segmentId', { config: {}, segmentId: 0 }],
    ['config.port', { config: { port: 0 }, segmentId: 7 }],
    ['config.masquerade', { config: { masquerade: 'yes' }, segmentId: 7 }],
    ['config.egress', { config: { egress: 'maybe' }, segmentId: 7 }],
    ['config.deny_networks[0]', { config: { deny_networks: ['nowhere'] }, segmentId: 7 }],
    [
      'config.host_services[0].address',
      {
        config: {
          host_access: false,
          host_services: [{ protocol: 'udp', port: 53, address: '10.1.255.255' }],
        },
        segmentId: 7,
      },
    ],
    ['config.typo', { config: { typo: 1 }, segmentId: 7 }],
  ])('names %s, which is wrong in %j', (path, network) => {
    expect(() => parseConfig({ ...network, subnets })).toThrow(
      expect.objectContaining({ kind: 'invalidArgument', fields: [expect.objectContaining({ path })] }),
    )
  })
})
