// Whether conetd's record, what it hands out, and the kernel tell one story.

import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import type { ContainerView, EndpointView, NetworkView } from '@conet/sdk/client'
import { expect } from 'vitest'
import type { ConetdFixture } from './conetd-fixture.ts'
import { type Shown, show } from './iproute.ts'

export type ApiPicture = { networks: NetworkView[]; containers: ContainerView[]; endpoints: EndpointView[] }

export async function apiPicture({ client }: Pick<ConetdFixture, 'client'>): Promise<ApiPicture> {
  const { networks } = await client.listNetworks()
  const { containers } = await client.listContainers()
  return { networks, containers, endpoints: containers.flatMap(({ endpoints }) => endpoints) }
}

/** Call it when nothing is under way. */
export async function expectAgreement(fixture: ConetdFixture): Promise<ApiPicture> {
  const picture = await expectRecordAgrees(fixture)
  expectBridgesMatch(picture)
  return picture
}

/** The same, where no driver does anything to the kernel. */
export async function expectRecordAgrees(fixture: ConetdFixture): Promise<ApiPicture> {
  const picture = await apiPicture(fixture)
  expectIdsResolve(picture)
  expectLeasesMatch(picture)
  expectSandboxesMatch(picture, fixture.namespaceDirectory)
  return picture
}

/** No id points to nothing. */
export function expectIdsResolve({ networks, containers, endpoints }: ApiPicture): void {
  const networkIds = networks.map(({ id }) => id)
  const endpointIds = endpoints.map(({ id }) => id)
  for (const { handle, attachments } of containers) {
    for (const { network_id, endpoint_id } of attachments) {
      expect(networkIds, `attachment of ${handle}`).toContain(network_id)
      if (endpoint_id !== undefined) expect(endpointIds, `endpoint of ${handle}`).toContain(endpoint_id)
    }
  }
  for (const { network_id, attachment, container } of endpoints) {
    expect(networkIds).toContain(network_id)
    const names = containers.find(({ handle }) => handle === container)?.attachments.map(({ name }) => name)
    expect(names, `attachments of ${container}`).toContain(attachment)
  }
  expect(networks.flatMap((network) => network.endpoints).sort()).toEqual(endpointIds.sort())
}

/** Every address has one holder, and as many are used as endpoints hold. */
export function expectLeasesMatch({ networks, endpoints }: ApiPicture): void {
  for (const { id, name, subnets } of networks) {
    const held = endpoints
      .filter(({ network_id }) => network_id === id)
      .flatMap(({ interfaces }) => interfaces.flatMap(({ addresses }) => addresses))
    expect(new Set(held).size, `addresses of ${name} are unique`).toBe(held.length)
    const used = subnets.reduce((sum, subnet) => sum + subnet.used, 0)
    expect(used, `addresses used of ${name}`).toBe(held.length)
  }
}

function expectSandboxesMatch({ containers }: ApiPicture, directory: string): void {
  const held = containers.flatMap(({ sandbox }) => (sandbox === undefined ? [] : [sandbox.id]))
  const found = existsSync(directory) ? readdirSync(directory) : []
  expect(found.sort(), 'namespaces that are held').toEqual(held.sort())
}

/** Each active bridge network has its bridge, each plugged endpoint its veth, addressed in the sandbox; and nothing else is there. */
function expectBridgesMatch({ networks, containers, endpoints }: ApiPicture): void {
  const links = show('ip -d link show')
  const ours = (prefix: string) =>
    links.map(({ ifname }) => String(ifname)).filter((name) => name.startsWith(prefix))
  const bridged = networks.filter(({ type, state }) => type === 'bridge' && state === 'active')
  expect(ours('cnb').sort()).toEqual(bridged.map(({ id }) => bridgeName(id)).sort())
  const ids = new Set(bridged.map(({ id }) => id))
  const plugged = endpoints.filter(({ state, network_id }) => state === 'plugged' && ids.has(network_id))
  expect(ours('cnv').sort()).toEqual(plugged.map(({ id }) => portName(id)).sort())
  for (const endpoint of plugged) {
    const port = links.find(({ ifname }) => ifname === portName(endpoint.id))
    expect(port?.master).toBe(bridgeName(endpoint.network_id))
    const path = containers.find(({ handle }) => handle === endpoint.container)?.sandbox?.path
    expectInterfaces(endpoint, path ?? '')
  }
}

function expectInterfaces({ interfaces }: EndpointView, sandboxPath: string): void {
  const text = execFileSync('nsenter', [`--net=${sandboxPath}`, 'ip', '-j', 'address', 'show'], {
    encoding: 'utf8',
  })
  const found: (Shown & { addr_info: { local: string; prefixlen: number; scope: string }[] })[] =
    JSON.parse(text)
  for (const { name, mac_address, addresses } of interfaces) {
    const link = found.find(({ ifname }) => ifname === name)
    expect(link?.address, `MAC of ${name}`).toBe(mac_address)
    const global = link?.addr_info.filter(({ scope }) => scope === 'global')
    expect(global?.map(({ local, prefixlen }) => `${local}/${prefixlen}`).sort()).toEqual(
      [...addresses].sort(),
    )
  }
}

function bridgeName(networkId: string): string {
  return `cnb${networkId.slice(0, 12)}`
}

function portName(endpointId: string): string {
  return `cnv${endpointId.slice(0, 12)}`
}
