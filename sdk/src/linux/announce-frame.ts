// The Ethernet frames that tell a segment where an address now lives. Bytes only: it opens no socket.

const ETHERTYPE_ARP = 0x0806
const ETHERTYPE_IPV6 = 0x86dd
const broadcast = Buffer.from('ffffffffffff', 'hex')
const allNodesMac = Buffer.from('333300000001', 'hex')
const allNodes = Buffer.from('ff020000000000000000000000000001', 'hex')

/** An ARP announcement (RFC 5227 section 2.3): a request whose sender and target are both the address. */
export function arpAnnouncement(mac: Buffer, address: Buffer): Buffer {
  const fixed = Buffer.from('0001080006040001', 'hex')
  return Buffer.concat([
    ethernet(broadcast, mac, ETHERTYPE_ARP),
    fixed,
    mac,
    address,
    Buffer.alloc(6),
    address,
  ])
}

/** An unsolicited neighbour advertisement to all nodes, with the override flag (RFC 4861 section 7.2.6). */
export function neighbourAdvertisement(mac: Buffer, address: Buffer): Buffer {
  const flags = Buffer.from('20000000', 'hex')
  const targetLinkLayerAddress = Buffer.concat([Buffer.from([2, 1]), mac])
  const message = Buffer.concat([Buffer.from([136, 0, 0, 0]), flags, address, targetLinkLayerAddress])
  message.writeUInt16BE(icmpChecksum(address, message), 2)
  const header = Buffer.from('60000000', 'hex')
  const lengthNextHops = Buffer.from([0, message.length, 58, 255])
  const packet = Buffer.concat([header, lengthNextHops, address, allNodes, message])
  return Buffer.concat([ethernet(allNodesMac, mac, ETHERTYPE_IPV6), packet])
}

function ethernet(destination: Buffer, source: Buffer, type: number): Buffer {
  return Buffer.concat([destination, source, Buffer.from([type >> 8, type & 0xff])])
}

/** The Internet checksum over the pseudo-header of RFC 8200 section 8.1 and the message. */
function icmpChecksum(source: Buffer, message: Buffer): number {
  const lengthAndNext = Buffer.from([0, 0, 0, message.length, 0, 0, 0, 58])
  const covered = Buffer.concat([source, allNodes, lengthAndNext, message])
  let sum = 0
  for (let at = 0; at < covered.length; at += 2) sum += covered.readUInt16BE(at)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}
