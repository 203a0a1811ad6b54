import { type Driver, defineDriver } from '@conet/sdk'
import { describe, expect, it } from 'vitest'
import { sampleDriver } from './served.ts'

describe('defineDriver', () => {
  it('gives back the driver itself', () => {
    const driver = sampleDriver()
    expect(defineDriver(driver)).toBe(driver)
  })

  it('finds functions in a class too', async () => {
    class Base {
      readonly name = 'classy'
      readonly version = '1.0.0'
      async createNetwork() {}
      async deleteNetwork() {}
      async listNetworks() {
        return []
      }
      async createEndpoint() {}
      async deleteEndpoint() {}
      async listEndpoints() {
        return []
      }
      async plug() {
        return { interfaces: [] }
      }
      async unplug() {}
    }
    expect(defineDriver(new Base()).name).toBe('classy')
  })

  it.each(['1.2.3', '0.0.1-rc.1', '1.0.0+build.7', '10.20.30-x-y.z+01'])(
    'takes the version %s',
    (version) => {
      expect(defineDriver(sampleDriver({ version })).version).toBe(version)
    },
  )

  it.each(['1.2', 'v1.2.3', '1.2.3foo', ' 1.2.3', '01.2.3', '1.2.3-01', '1.2.3-', '1.2.3+'])(
    'refuses the version "%s", which no host would take',
    (version) => {
      expect(() => defineDriver(sampleDriver({ version }))).toThrow('version is not of the form 1.2.3')
    },
  )

  it('names all that is wrong in one error', () => {
    const { plug: _plug, ...driver } = sampleDriver({ name: 'Not A Name', version: 'one' })
    // @ts-expect-error what an author in plain JavaScript may write
    expect(() => defineDriver({ ...driver, unplug: 'soon' })).toThrow(
      /define driver "Not A Name": name must be .*; version is not .*; plug is no function; unplug is no function/,
    )
  })

  it.each<[fault: string, parts: Partial<Driver>]>([
    ['createNetwork without deleteNetwork', { createNetwork: async () => undefined }],
    ['createEndpoint without deleteEndpoint', { createEndpoint: async () => undefined }],
    ['ipam is driver, without createEndpoint', { ipam: 'driver' }],
  ])('refuses a driver that leaves out what the SDK cannot know: %s', (fault, parts) => {
    const { plug, unplug } = sampleDriver()
    expect(() => defineDriver({ name: 'short', version: '1.0.0', plug, unplug, ...parts })).toThrow(fault)
  })
})
