// What busybox's `ifconfig -a` shows, taken apart.

export type ShownInterface = {
  readonly name: string
  readonly macAddress: string | undefined
  readonly address: string | undefined
  readonly mask: string | undefined
  readonly linkLocal: string | undefined
  readonly mtu: number
  readonly flags: readonly string[]
}

export function readInterfaces(page: string): Map<string, ShownInterface> {
  const blocks = page.split(/\n(?=\S)/).filter((block) => block.trim() !== '')
  return new Map(blocks.map(readInterface).map((shown) => [shown.name, shown]))
}

function readInterface(block: string): ShownInterface {
  const find = (pattern: RegExp) => pattern.exec(block)?.[1]
  return {
    name: find(/^(\S+)/) ?? '',
    macAddress: find(/HWaddr ([0-9A-Fa-f:]+)/)?.toLowerCase(),
    address: find(/inet addr:([\d.]+)/),
    mask: find(/Mask:([\d.]+)/),
    linkLocal: find(/inet6 addr: (fe80::\S+)/),
    mtu: Number(find(/MTU:(\d+)/)),
    flags: (find(/^\s+((?:[A-Z]+ )+) ?MTU:/m) ?? '').trim().split(' '),
  }
}

/** conet makes the MAC address of the IPv4 address. */
export function macOf(address: string): string {
  const bytes = address.split('.').map((byte) => Number(byte).toString(16).padStart(2, '0'))
  return `02:42:${bytes.join(':')}`
}
