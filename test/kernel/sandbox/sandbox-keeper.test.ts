import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SandboxKeeper } from '@conet/host/sandbox/index'
import {
  createVeth,
  deleteNamespace,
  interfaceSysctl,
  makeNamespace,
  openSandbox,
  Rtnl,
  readSysctl,
  releaseNamespaceDirectory,
} from '@conet/sdk/linux'
import { afterAll, describe, expect, it } from 'vitest'

const directory = mkdtempSync(join(tmpdir(), 'conet-keeper-'))
const keeper = new SandboxKeeper(join(directory, 'held'))
afterAll(() => {
  keeper.close()
  releaseNamespaceDirectory(join(directory, 'runtime'))
  rmSync(directory, { recursive: true })
})

/** What a new interface of the sandbox does with router advertisements, and one that was there before. */
function acceptsRouters(path: string, interfaceName: string): string {
  using sandbox = openSandbox(path)
  using inside = Rtnl.openIn(sandbox)
  if (inside.link(interfaceName) === undefined) {
    inside.run(createVeth({ name: interfaceName, peer: { name: `${interfaceName}-peer` } }))
  }
  return readSysctl(sandbox, interfaceSysctl('ipv6', { interfaceName, setting: 'accept_ra' }))
}

describe('a sandbox that is held', () => {
  it('has interfaces that take no routes from a neighbour, if conet made it', () => {
    const { path } = keeper.hold('own', {})
    expect(acceptsRouters(path, 'new0')).toBe('0')
    keeper.release(path)
  })

  it('leaves the interfaces alone that a runtime made in it before', () => {
    const netns = join(directory, 'runtime', 'netns')
    makeNamespace(netns)
    expect(acceptsRouters(netns, 'old0')).toBe('1')
    const { path } = keeper.hold('runtime', { netns })
    expect(acceptsRouters(path, 'old0')).toBe('1')
    expect(acceptsRouters(path, 'new0')).toBe('0')
    keeper.release(path)
    deleteNamespace(netns)
  })
})
