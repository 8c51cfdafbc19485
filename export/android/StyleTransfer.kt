package tfstyle

import android.graphics.Bitmap
import android.graphics.Canvas
import android.graphics.Matrix
import android.graphics.Paint
import android.util.Base64
import java.io.Closeable
import java.nio.ByteBuffer
import java.nio.ByteOrder
import kotlin.math.abs
import kotlin.math.ln
import kotlin.math.max
import kotlin.math.roundToInt
import org.json.JSONObject
import org.tensorflow.lite.Interpreter

/** A style's code: arrays of numbers by the names that the files' signatures have for them. */
typealias Code = Map<String, FloatArray>

/**
 * Paints photographs in the style of paintings, with the files of `export/to_tflite.py`.
 *
 * A painting is looked at once; its code is a few short arrays that can be kept, mixed, and shipped
 * instead of the painting. Not thread-safe: use one instance from one background thread.
 *
 * @param styleEncoder `style_encoder.tflite`, mapped into memory or in a direct buffer.
 * @param transfer `transfer.tflite`, likewise. Each of its signatures is a size; if none is asked
 *   for, the first whose aspect is nearest to a photograph's is taken, so export 4:3 for 4:3:
 *   `--size 384x512,512x384,384`. With `--tile_size 768` it paints large ones, too.
 * @param description the text of `model.json`, which [paintLarge] needs.
 * @param options threads of the processor, or a delegate.
 */
class StyleTransfer(
    styleEncoder: ByteBuffer,
    transfer: ByteBuffer,
    description: String? = null,
    options: Interpreter.Options = Interpreter.Options().setNumThreads(2),
) : Closeable {
    private val encoder = Interpreter(styleEncoder, options)
    private val painter = Interpreter(transfer, options)

    /** A picture's height and width in pixels. */
    data class Size(val height: Int, val width: Int)

    /** The sizes that [paint] has, by signature. */
    val sizes: Map<String, Size> =
        painter.signatureKeys.filter { it != TILE }.associateWith { sizeOf(painter, "content", it) }

    /** Of the parts that [paintLarge] paints; null if the files were exported without. */
    val tileSize: Size? =
        if (TILE !in painter.signatureKeys) null else sizeOf(painter, "content", TILE)

    private val model = description?.let(::JSONObject)

    /** The model that made the codes, as a [StyleLibrary] names it; null without a description. */
    val codes: String? = model?.getString("codes")

    private val styleSize = sizeOf(encoder, "style", STYLE)

    /** How many numbers each array of a code has, by name. */
    val codeSizes: Map<String, Int> =
        encoder.getSignatureOutputs(STYLE).associateWith { name ->
            val tensor = encoder.getOutputTensorFromSignature(name, STYLE)
            require(tensor.numBytes() == 4 * tensor.numElements()) { "$name has no floats" }
            tensor.numElements()
        }

    /** The code of a painting, of its centre square. */
    fun encodeStyle(painting: Bitmap): Code =
        encode(STYLE, mapOf("style" to pixels(painting, styleSize)))

    /**
     * The photograph in a style.
     *
     * @param photo of any size; what its aspect has more than the network's is cut off at the sides.
     * @param code from [encodeStyle], [mix] or [StyleLibrary].
     * @param strength from 0, the photograph, to 1, the full style.
     * @param key of [sizes], for instance the smallest for a preview.
     * @return a picture of the network's size, not the photo's.
     */
    fun paint(
        photo: Bitmap, code: Code, strength: Float = 1f,
        key: String = sizes.minBy { (_, size) -> distance(size, photo) }.key,
    ): Bitmap {
        val size = requireNotNull(sizes[key]) { "$key is none of ${sizes.keys}" }
        val colors = run(key, pixels(photo, size), size, code, strength)
        return Bitmap.createBitmap(colors, size.width, size.height, Bitmap.Config.ARGB_8888)
    }

    /**
     * The photograph in a style, at its own size, in overlapping tiles without seams: all are
     * painted with one summary of the photograph, that of its centre at the style encoder's size.
     *
     * @param photo at least as large as a tile, else an IllegalArgumentException says so; scale it
     *   first to what memory and patience allow.
     * @param code as in [paint].
     * @param strength as in [paint].
     * @param onProgress called with the share that is done.
     */
    fun paintLarge(
        photo: Bitmap, code: Code, strength: Float = 1f, onProgress: (Float) -> Unit = {}
    ): Bitmap {
        val tile = requireNotNull(tileSize) { "export the files with --tile_size" }
        val about = requireNotNull(model) { "give the text of model.json as the description" }
        val grid = about.getInt("tile_stride")
        val step = minOf(grid, OVERLAP_STEP)
        val overlap = (about.getInt("receptive_field") + step - 1) / step * step
        require(photo.height >= tile.height && photo.width >= tile.width) {
            "the photo is smaller than a tile, ${tile.width} × ${tile.height}"
        }
        val readable = readable(photo)
        val whole =
            if (WHOLE !in encoder.signatureKeys) emptyMap()
            else encode(
                WHOLE, mapOf("content" to pixels(readable, styleSize)) + style(code, strength)
            )
        val result = Bitmap.createBitmap(photo.width, photo.height, Bitmap.Config.ARGB_8888)
        val tops = 0 until photo.height step (tile.height - 2 * overlap) / grid * grid
        val lefts = 0 until photo.width step (tile.width - 2 * overlap) / grid * grid
        for ((row, top) in tops.withIndex()) {
            val height = minOf(tops.step, photo.height - top)
            val strip = strip(readable, top - overlap, tile.height)
            for ((column, left) in lefts.withIndex()) {
                val content = part(strip, photo.width, left - overlap, tile)
                val colors = run(TILE, content, tile, code, strength, whole)
                val width = minOf(lefts.step, photo.width - left)
                val first = overlap * tile.width + overlap
                result.setPixels(colors, first, tile.width, left, top, width, height)
                onProgress((row * lefts.count() + column + 1f) / (tops.count() * lefts.count()))
            }
        }
        return result
    }

    /** What a signature of the style encoder puts out. */
    private fun encode(key: String, inputs: Map<String, Any>): Map<String, FloatArray> {
        val buffers = encoder.getSignatureOutputs(key).associateWith { name ->
            floatBuffer(encoder.getOutputTensorFromSignature(name, key).numElements())
        }
        encoder.runSignature(inputs, buffers, key)
        return buffers.mapValues { (_, buffer) ->
            buffer.rewind()
            FloatArray(buffer.capacity() / 4).also { buffer.asFloatBuffer().get(it) }
        }
    }

    private fun style(code: Code, strength: Float): Map<String, Any> {
        val sizes = code.mapValues { (_, numbers) -> numbers.size }
        require(sizes == codeSizes) { "a code of this model has $codeSizes numbers, not $sizes" }
        return code.mapValues { (_, numbers) -> floatBuffer(numbers) } +
            ("strength" to floatBuffer(floatArrayOf(strength.coerceIn(0f, 1f))))
    }

    /** A signature's picture as colors. */
    private fun run(
        key: String, content: ByteBuffer, size: Size, code: Code, strength: Float,
        summary: Map<String, FloatArray> = emptyMap(),
    ): IntArray {
        val inputs = mutableMapOf<String, Any>("content" to content)
        inputs += style(code, strength)
        inputs += summary.mapValues { (_, numbers) -> floatBuffer(numbers) }
        val stylized = floatBuffer(3 * size.height * size.width)
        painter.runSignature(inputs, mapOf<String, Any>("stylized" to stylized), key)
        return colors(stylized, size.height * size.width)
    }

    override fun close() {
        encoder.close()
        painter.close()
    }

    companion object {
        private const val STYLE = "encode_style"
        private const val WHOLE = "encode_whole"
        private const val TILE = "transfer_tile"
        private const val OVERLAP_STEP = 64 // pixels: overlaps are multiples of it, or of a shorter stride

        /** The weighted mean of codes, itself a code. */
        fun mix(codes: List<Code>, weights: List<Float>): Code {
            require(codes.size == weights.size && weights.sum() > 0f) { "a weight for each code" }
            val sizes = codes.map { code -> code.mapValues { (_, numbers) -> numbers.size } }
            require(sizes.distinct().size == 1) { "codes of different models" }
            val total = weights.sum()
            return codes.first().mapValues { (name, numbers) ->
                FloatArray(numbers.size) { i ->
                    codes.indices
                        .sumOf { (weights[it] / total * codes[it].getValue(name)[i]).toDouble() }
                        .toFloat()
                }
            }
        }

        private fun sizeOf(network: Interpreter, input: String, key: String): Size {
            val tensor = network.getInputTensorFromSignature(input, key)
            val (_, height, width, channels) = tensor.shape()
            require(width > 1 && tensor.numBytes() == height * width * channels * 4) {
                "export the files with fixed sizes and without --uint8"
            }
            return Size(height, width)
        }

        private fun distance(size: Size, photo: Bitmap): Double =
            abs(ln(size.width.toDouble() / size.height) - ln(photo.width.toDouble() / photo.height))

        private fun floatBuffer(count: Int): ByteBuffer =
            ByteBuffer.allocateDirect(4 * count).order(ByteOrder.nativeOrder())

        private fun floatBuffer(values: FloatArray): ByteBuffer =
            floatBuffer(values.size).apply { asFloatBuffer().put(values) }

        /** A picture whose pixels can be read: a copy of one in graphics memory (API 26). */
        private fun readable(picture: Bitmap): Bitmap =
            if (picture.config?.name != "HARDWARE") picture
            else picture.copy(Bitmap.Config.ARGB_8888, false)

        /** Halved while it is twice as large as needed, since scaling reads two pixels of a row. */
        private fun shrunk(picture: Bitmap, size: Size): Bitmap {
            var found = picture
            while (found.width >= 2 * size.width && found.height >= 2 * size.height) {
                found = Bitmap.createScaledBitmap(found, found.width / 2, found.height / 2, true)
            }
            return found
        }

        /** The centre of a picture at a size, as RGB floats from 0 to 1. */
        private fun pixels(whole: Bitmap, size: Size): ByteBuffer {
            val picture = shrunk(readable(whole), size)
            val scale = max(
                size.width.toFloat() / picture.width, size.height.toFloat() / picture.height
            )
            val matrix = Matrix().apply {
                setScale(scale, scale)
                postTranslate(
                    (size.width - scale * picture.width) / 2, (size.height - scale * picture.height) / 2
                )
            }
            val scaled = Bitmap.createBitmap(size.width, size.height, Bitmap.Config.ARGB_8888)
            Canvas(scaled).drawBitmap(picture, matrix, Paint(Paint.FILTER_BITMAP_FLAG))
            val colors = IntArray(size.width * size.height)
            scaled.getPixels(colors, 0, size.width, 0, 0, size.width, size.height)
            scaled.recycle()
            return pixels(colors)
        }

        private fun pixels(colors: IntArray): ByteBuffer {
            val buffer = floatBuffer(3 * colors.size)
            for (color in colors) {
                buffer.putFloat((color shr 16 and 255) / 255f)
                buffer.putFloat((color shr 8 and 255) / 255f)
                buffer.putFloat((color and 255) / 255f)
            }
            buffer.rewind()
            return buffer
        }

        private fun colors(buffer: ByteBuffer, count: Int): IntArray {
            buffer.rewind()
            val values = buffer.asFloatBuffer()
            val level = { (values.get().coerceIn(0f, 1f) * 255f).roundToInt() }
            return IntArray(count) {
                val red = level()
                val green = level()
                val blue = level()
                (255 shl 24) or (red shl 16) or (green shl 8) or blue
            }
        }

        /** Rows of a photo from `top` on, which go on reflected outside of it. */
        private fun strip(photo: Bitmap, top: Int, height: Int): IntArray {
            val colors = IntArray(photo.width * height)
            for (row in 0 until height) {
                val y = reflect(top + row, photo.height)
                photo.getPixels(colors, row * photo.width, photo.width, 0, y, photo.width, 1)
            }
            return colors
        }

        /** Columns of a strip from `left` on, likewise, as RGB floats from 0 to 1. */
        private fun part(strip: IntArray, width: Int, left: Int, size: Size): ByteBuffer =
            pixels(
                IntArray(size.height * size.width) {
                    strip[it / size.width * width + reflect(left + it % size.width, width)]
                }
            )

        private fun reflect(index: Int, length: Int): Int =
            (if (index < length) abs(index) else 2 * length - 2 - index).coerceIn(0, length - 1)
    }
}

/** The styles of a file that `tfstyle styles` made, in its order: code and thumbnail by name. */
class StyleLibrary(json: String) {
    /** @property thumbnail a PNG in base64. */
    class Style(val code: Code, val thumbnail: String)

    /** The model that made the codes; that of exported files is [StyleTransfer.codes]. */
    val model: String

    val styles: Map<String, Style>

    init {
        val record = JSONObject(json)
        require(record.getString("format") == "tfstyle styles" && record.getInt("version") == 2) {
            "not a style library of this version"
        }
        model = record.getString("model")
        val list = record.getJSONArray("styles")
        styles = (0 until list.length()).map(list::getJSONObject).associate { style ->
            val arrays = style.getJSONObject("code")
            val code = arrays.keys().asSequence().associate { name ->
                "code_$name" to floats(arrays.getJSONObject(name))
            }
            style.getString("name") to Style(code, style.getString("thumbnail"))
        }
    }

    private fun floats(array: JSONObject): FloatArray {
        require(array.getString("dtype") == "float32") { "codes of floats alone" }
        val bytes = Base64.decode(array.getString("data"), Base64.DEFAULT)
        val numbers = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer()
        return FloatArray(numbers.remaining()).also { numbers.get(it) }
    }
}
