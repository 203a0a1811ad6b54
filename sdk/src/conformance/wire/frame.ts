// Bytes of a message, made by hand: the kit shares no code with the SDK's own framing, and can make broken frames too.

/** One frame with one header field. Text is sent as it is, so that it may be no JSON. */
export function frame(message: object | string | Buffer): Buffer {
  const body = bodyOf(message)
  return Buffer.concat([header(body.length), body])
}

/** The header block alone; any value, so that a check can lie. */
export function header(length: number | string): Buffer {
  return Buffer.from(`Content-Length: ${length}\r\n\r\n`, 'latin1')
}

function bodyOf(message: object | string | Buffer): Buffer {
  if (Buffer.isBuffer(message)) return message
  return Buffer.from(typeof message === 'string' ? message : JSON.stringify(message), 'utf8')
}
