// The small words of the protocol: ids, names, addresses. Schemas are the source of types and of validation.
import { type Static, Type } from 'typebox'
import { forms } from '../fields/forms.ts'

/** 64 lower-case hexadecimal digits, made by the host. */
export const Id = Type.String({ pattern: forms.id.pattern })
export type Id = Static<typeof Id>

/** A network's name: unique on the host (for networks of global scope, in the cluster). */
export const NetworkName = Type.String({ pattern: forms.networkName.pattern })
export type NetworkName = Static<typeof NetworkName>

/** A container's handle, as its client names it. The runtime may send others, so the protocol takes any text. */
export const Handle = Type.String({ minLength: 1, maxLength: 1024 })
export type Handle = Static<typeof Handle>

/** A Linux interface name: 1–15 bytes, no slash, colon, percent sign, white space or control character, not `.` or `..`. */
export const InterfaceName = Type.String({ pattern: forms.interfaceName.pattern })
export type InterfaceName = Static<typeof InterfaceName>

/** Six octets, lower-case hexadecimal: `02:42:0a:00:00:02`. */
export const MacAddress = Type.String({ pattern: forms.macAddress.pattern })
export type MacAddress = Static<typeof MacAddress>

/** An IPv4 or IPv6 address without a prefix, in its canonical text form. */
export const IpAddress = Type.String({ pattern: forms.ipAddress.pattern })
export type IpAddress = Static<typeof IpAddress>

/** An address with its prefix length: `10.0.0.2/16`, `fd00::2/64`. */
export const Cidr = Type.String({ pattern: forms.cidr.pattern })
export type Cidr = Static<typeof Cidr>

/** Bytes of the largest packet. 68 is IPv4's least (RFC 791), 65535 its most. */
export const Mtu = Type.Integer({ minimum: 68, maximum: 65535 })

/** The most characters of what a list says is wrong with something. */
export const maxFaultLength = 1024

/** What is wrong with something, in words for people. */
export const Fault = Type.String({ minLength: 1, maxLength: maxFaultLength })

/** Free text pairs that a user attached to an object. */
export const Labels = Type.Record(
  // Not `.`: what a pattern of keys does not match, a line break in one, would go by unchecked.
  Type.String({ pattern: forms.labelKey.pattern }),
  Type.String({ maxLength: 4096 }),
  { additionalProperties: false },
)
export type Labels = Static<typeof Labels>

/** A document of the user's that the driver alone understands; its members pass untouched, in any case style. */
export const Document = Type.Record(Type.String(), Type.Unknown())
export type Document = Static<typeof Document>

/** A JSON Schema (draft-07 or 2020-12) that a driver publishes. */
export const JsonSchema = Type.Record(Type.String(), Type.Unknown())
export type JsonSchema = Static<typeof JsonSchema>
