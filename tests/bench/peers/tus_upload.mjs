// Sends FILE with tus-js-client and prints how many seconds that took. Usage: node tus_upload.mjs NODE_MODULES URL FILE CHUNK_SIZE
import { createReadStream, statSync } from 'node:fs'
import { createRequire } from 'node:module'

const [modules, endpoint, file, chunkSize] = process.argv.slice(2)
const { Upload } = createRequire(`${modules}/`)('tus-js-client')

const begin = performance.now()
new Upload(createReadStream(file), {
  endpoint,
  chunkSize: Number(chunkSize),
  uploadSize: statSync(file).size,
  retryDelays: null,
  onError: (error) => { throw error },
  onSuccess: () => console.log((performance.now() - begin) / 1000),
}).start()
