// What conet and its drivers could leave behind in the kernel, as other programs show it: to be compared before and after.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { show } from './iproute.ts'

export type KernelPicture = {
  readonly links: unknown[]
  readonly routes: string
  readonly rules: string
  readonly mounts: string[]
  /** Elements and rules; empty tables, chains and maps do no harm. */
  readonly firewall: string[]
}

export function kernelPicture(): KernelPicture {
  return {
    links: show('ip link show').map(({ ifname }) => ifname),
    routes: run('ip', 'route', 'show', 'table', 'all'),
    rules: run('ip', 'rule', 'show'),
    mounts: readFileSync('/proc/self/mountinfo', 'utf8').split('\n'),
    firewall: firewallElements(),
  }
}

/** What the sets and maps hold: a network or an endpoint is an element of one. */
function firewallElements(): string[] {
  const { nftables }: { nftables: Record<string, { name?: string; elem?: unknown[] }>[] } = JSON.parse(
    run('nft', '-j', 'list', 'ruleset'),
  )
  return nftables.flatMap((entry) => {
    const holder = entry.set ?? entry.map
    return (holder?.elem ?? []).map((element) => `${holder?.name}: ${JSON.stringify(element)}`)
  })
}

function run(program: string, ...args: string[]): string {
  return execFileSync(program, args, { encoding: 'utf8' })
}
