import { splitConfig } from '@conet/host/domain/network-spec'
import { describe, expect, it } from 'vitest'

const numbers = { rate: { type: 'integer', minimum: 1000 }, burst: { type: 'integer' } }
const rate = { type: 'object', properties: numbers, required: ['rate'] }
const ofEach = { type: 'object', properties: { ingress: rate, egress: rate } }
const list = { type: 'array', items: { type: 'object' } }
const schemas = {
  configSchema: { properties: { mtu: {}, limits: {} } },
  policySchema: { properties: { net_in: list, net_out: list, limits: { anyOf: [rate, ofEach] } } },
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
    for (const Limits of [{}, { Rate: 0 }, { Ingress: { Rate: 0, Burst: null }, Egress: null }])
      expect(splitConfig({ Limits, net_in: null }, noLimits, 'config').policy).toBeUndefined()
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

  it('[A10] takes zeros that nobody can mean as absent, wherever they stand, in what Go has spelled', () => {
    const port = { type: 'object', properties: { count: { minimum: 1, type: 'integer' }, host_port: {} } }
    const icmps = { type: 'object', properties: { type: { type: 'integer', minimum: 0 } } }
    const { limits } = schemas.policySchema.properties
    const properties = {
      version: { const: 1, type: 'number' },
      net_in: { type: 'array', items: port },
      net_out: { type: 'array', items: { type: 'object', properties: { icmps } } },
      limits,
    }
    const policyOf = (config: Record<string, unknown>) =>
      splitConfig(config, { configSchema: {}, policySchema: { properties } }, 'config').policy
    const half = { Ingress: { Rate: 0, Burst: 0 }, Egress: { Rate: 1000, Burst: 0 } }
    expect(policyOf({ Limits: half })).toEqual({ limits: { egress: { rate: 1000, burst: 0 } } })
    expect(policyOf({ Limits: { ingress: { rate: 0 }, egress: { rate: 1000 } } })).toEqual({
      limits: { egress: { rate: 1000 } },
    })
    expect(policyOf({ Version: 0, NetIn: [{ HostPort: 0, Count: 0 }] })).toEqual({
      net_in: [{ host_port: 0 }],
    })
    expect(policyOf({ net_in: [{ Count: 0 }] })).toEqual({ net_in: [{}] })
    expect(policyOf({ NetOut: [{ ICMPs: { Type: 0 } }] })).toEqual({ net_out: [{ icmps: { type: 0 } }] })
    for (const said of [{ version: 0 }, { net_in: [{ count: 0 }] }, { limits: { ingress: { rate: 0 } } }])
      expect(policyOf(said)).toEqual(said)
    expect(policyOf({ Limits: { Rate: '0' } })).toEqual({ limits: { rate: '0' } })
  })

  it.each([
    [{ NetOut: {} }, { net_out: {} }],
    [{ NetOut: { Rules: {}, x: 0 } }, { net_out: { rules: {}, x: 0 } }],
    [{ NetIn: { HostPort: 0 } }, { net_in: { host_port: 0 } }],
    [{ Limits: { Speed: 0 } }, { limits: { speed: 0 } }],
    [{ Limits: { Rate: { x: 0 } } }, { limits: { rate: { x: 0 } } }],
    [{ Limits: { Ingress: { Speed: 0 } } }, { limits: { ingress: { speed: 0 } } }],
    [{ Limits: [] }, { limits: [] }],
  ])('hands on what the policy schema does not know, for that to refuse it: %j', (config, policy) => {
    const noLimits = { configSchema: {}, policySchema: schemas.policySchema }
    expect(splitConfig(config, noLimits, 'config')).toEqual({ config: {}, policy })
  })

  it('[A10] reads entries as Garden does: null is an empty one, and a network without ends anywhere', () => {
    const noEnds = { Start: null, End: null }
    const rules = [
      null,
      { Protocol: 1, Networks: [noEnds] },
      {
        Protocol: 1,
        Networks: [
          { Start: '10.0.0.1', End: '' },
          { Start: '', End: '' },
        ],
      },
      { Protocol: 2, Networks: [null], Ports: [{ Start: 80, End: 0 }] },
      { Networks: [{ Start: '10.0.0.1', End: '' }, '10.1.0.0/16'] },
      { Protocol: 1, Ports: [null] },
    ]
    expect(splitConfig({ NetOut: rules, NetIn: [null] }, schemas, 'config').policy).toEqual({
      net_out: [
        {},
        { protocol: 1 },
        { protocol: 1 },
        { protocol: 2, ports: [{ start: 80, end: 0 }] },
        { networks: [{ start: '10.0.0.1' }, '10.1.0.0/16'] },
        { protocol: 1, ports: [{}] },
      ],
      net_in: [{}],
    })
    const others = [7, { networks: [7] }, { ports: 7 }, []]
    expect(splitConfig({ net_out: others }, schemas, 'config').policy).toEqual({ net_out: others })
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
