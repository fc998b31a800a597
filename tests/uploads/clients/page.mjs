// A page with Uppy and its tus plugin, played by test_uppy.py: `begin` starts an upload of bytes that the page makes.
// From the request number `hold_at` on each waits for `go`, so that what happens to the page happens in mid-upload.
import Uppy from '@uppy/core'
import Tus from '@uppy/tus'

const seen = { requests: [], held: false, offline: false, sent: 0, done: null, failed: null, sha256: null }
let open = () => {}
const gate = new Promise((resolve) => { open = resolve })

const bytes = (size) => {
  const made = new Uint8Array(size)
  for (let index = 0, state = 1; index < size; index++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    made[index] = state >>> 24
  }
  return made
}

const begin = async ({ endpoint, size, hold_at: holdAt, options }) => {
  const data = bytes(size)
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', data))
  seen.sha256 = [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('')
  let number = 0
  const uppy = new Uppy({ autoProceed: false })
  uppy.use(Tus, {
    endpoint,
    ...options,
    onBeforeRequest: async () => {
      number += 1
      if (holdAt && number >= holdAt) {
        seen.held = true
        await gate
      }
    },
    onAfterResponse: (request, response) => {
      seen.requests.push([request.getMethod(), response.getStatus()])
    },
  })
  uppy.on('is-offline', () => { seen.offline = true })
  uppy.on('upload-progress', (_, progress) => { seen.sent = progress.bytesUploaded })
  uppy.on('upload-success', (_, response) => { seen.done = response.uploadURL })
  uppy.on('upload-error', (_, error) => { seen.failed = String(error) })
  uppy.addFile({ name: 'foto é.bin', type: 'application/octet-stream', data: new Blob([data]) })
  window.uppy = uppy
  uppy.upload()
}

Object.assign(window, { seen, begin, go: () => open() })
