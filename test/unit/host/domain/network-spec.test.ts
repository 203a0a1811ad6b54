import { splitConfig } from '@conet/host/domain/network-spec'
import { describe, expect, it } from 'vitest'

const schemas = {
  configSchema: { properties: { mtu: {}, limits: {} } },
  policySchema: { properties: { net_in: {}, net_out: {}, limits: {} } },
}

describe('splitConfig', () => {
  it('[A10] takes for policy what only the policy schema names, in any spelling', () => {
    const config = { NetIn: [{ HostPort: 0, ContainerPort: 8080 }], net_out: [{ protocol: 1 }], mtu: 1400 }
    expect(splitConfig(config, schemas, 'specs[0].config')).toEqual({
      config: { mtu: 1400 },
      policy: { net_in: [{ host_port: 0, container_port: 8080 }], net_out: [{ protocol: 1 }] },
    })
  })

  it('[A10] takes what Go writes for what nobody said as absent: null, and zeros in a structure', () => {
    const config = { NetIn: null, NetOut: null, Limits: { rate: 0, burst: 0 } }
    const noLimits = { configSchema: {}, policySchema: schemas.policySchema }
    expect(splitConfig(config, noLimits, 'config')).toEqual({ config: {}, policy: undefined })
    expect(splitConfig({ Limits: {}, net_in: null }, noLimits, 'config').policy).toBeUndefined()
    const rule = { Protocol: 0, Networks: null, Ports: null, ICMPs: null, Log: false }
    expect(splitConfig({ NetOut: [rule], NetIn: [] }, noLimits, 'config').policy).toEqual({
      net_out: [{ protocol: 0, log: false }],
      net_in: [],
    })
    const limits = { rate: 0, burst: 0 }
    expect(splitConfig({ limits }, noLimits, 'config').policy).toEqual({ limits })
    expect(splitConfig({ Limits: { rate: 1000, burst: 0 } }, noLimits, 'config').policy).toEqual({
      limits: { rate: 1000, burst: 0 },
    })
  })

  it('leaves a member that the configuration knows to it, and all of it where there are no schemas', () => {
    expect(splitConfig({ limits: { rate: 1 } }, schemas, 'specs[0].config')).toEqual({
      config: { limits: { rate: 1 } },
      policy: undefined,
    })
    const config = { net_in: [], some: { Nested: 1 } }
    expect(splitConfig(config, {}, 'config')).toEqual({ config, policy: undefined })
  })

  it.each([
    [{ NetIn: [{}, { HostPort: 80, host_port: 81 }] }, 'config.NetIn[1].host_port'],
    [{ NetIn: [{ host_port: 80, HostPort: 81 }] }, 'config.NetIn[0].HostPort'],
    [{ NetIn: [{ HostPort: 80 }], net_in: [{ host_port: 80 }] }, 'config.net_in'],
    [{ net_out: [], netOut: [] }, 'config.netOut'],
  ])('refuses a member that is there in two spellings: %j', (config, path) => {
    expect(() => splitConfig(config, schemas, 'config')).toThrow(
      expect.objectContaining({ kind: 'invalidArgument', fields: [expect.objectContaining({ path })] }),
    )
  })
})
