package tfstyle

import android.graphics.Bitmap
import android.graphics.Canvas
import android.graphics.Matrix
import android.graphics.Paint
import java.io.Closeable
import java.nio.ByteBuffer
import java.nio.ByteOrder
import kotlin.math.abs
import kotlin.math.ln
import kotlin.math.max
import kotlin.math.roundToInt
import org.json.JSONObject
import org.tensorflow.lite.Interpreter

/**
 * Paints photographs in the style of paintings, with the files of `export/to_tflite.py`.
 *
 * A painting is looked at once; its code is a short array that can be kept, mixed, and shipped
 * instead of the painting. Not thread-safe: use one instance from one background thread.
 *
 * @param styleEncoder `style_encoder.tflite`, mapped into memory or in a direct buffer.
 * @param transfer `transfer.tflite`, likewise. Each of its signatures is a size; the one whose
 *   aspect is nearest to a photograph's is taken, so export 4:3 for 4:3:
 *   `--size 384x512,512x384,384`.
 * @param threads of the processor; two are best on most phones.
 */
class StyleTransfer(styleEncoder: ByteBuffer, transfer: ByteBuffer, threads: Int = 2) : Closeable {
    private val encoder = Interpreter(styleEncoder, Interpreter.Options().setNumThreads(threads))
    private val painter = Interpreter(transfer, Interpreter.Options().setNumThreads(threads))

    /** A picture's height and width in pixels. */
    data class Size(val height: Int, val width: Int)

    /** The sizes that photographs are painted at, by signature. */
    val sizes: Map<String, Size> =
        painter.signatureKeys.associateWith { key -> sizeOf(painter, "content", key) }

    private val styleKey = encoder.signatureKeys.single()
    private val styleSize = sizeOf(encoder, "style", styleKey)

    /** Numbers in a code. */
    val codeLength: Int = encoder.getOutputTensorFromSignature("code", styleKey).shape().last()

    /** The code of a painting. */
    fun encodeStyle(painting: Bitmap): FloatArray {
        val code = floatBuffer(codeLength)
        encoder.runSignature(
            mapOf("style" to pixels(painting, styleSize)), mapOf<String, Any>("code" to code), styleKey
        )
        code.rewind()
        return FloatArray(codeLength).also { code.asFloatBuffer().get(it) }
    }

    /**
     * The photograph in a style.
     *
     * @param photo of any size; what its aspect has more than the network's is cut off at the sides.
     * @param code from [encodeStyle], [mix] or [StyleLibrary].
     * @param strength from 0, the photograph, to 1, the full style.
     * @return a picture of the network's size.
     */
    fun paint(photo: Bitmap, code: FloatArray, strength: Float = 1f): Bitmap {
        require(code.size == codeLength) { "a code has $codeLength numbers, not ${code.size}" }
        val (key, size) = sizes.minBy { (_, size) -> distance(size, photo) }
        val stylized = floatBuffer(3 * size.height * size.width)
        painter.runSignature(
            mapOf(
                "content" to pixels(photo, size),
                "code" to floatBuffer(code.size).apply { asFloatBuffer().put(code) },
                "strength" to floatBuffer(1).apply { putFloat(0, strength.coerceIn(0f, 1f)) },
            ),
            mapOf<String, Any>("stylized" to stylized),
            key,
        )
        return bitmap(stylized, size)
    }

    override fun close() {
        encoder.close()
        painter.close()
    }

    companion object {
        /** The weighted mean of codes, itself a code. */
        fun mix(codes: List<FloatArray>, weights: List<Float>): FloatArray {
            require(codes.size == weights.size && weights.sum() > 0f) { "a weight for each code" }
            val total = weights.sum()
            return FloatArray(codes.first().size) { i ->
                codes.indices.sumOf { (weights[it] / total * codes[it][i]).toDouble() }.toFloat()
            }
        }

        private fun sizeOf(network: Interpreter, input: String, key: String): Size {
            val shape = network.getInputTensorFromSignature(input, key).shape()
            return Size(shape[1], shape[2])
        }

        private fun distance(size: Size, photo: Bitmap): Double =
            abs(ln(size.width.toDouble() / size.height) - ln(photo.width.toDouble() / photo.height))

        private fun floatBuffer(count: Int): ByteBuffer =
            ByteBuffer.allocateDirect(4 * count).order(ByteOrder.nativeOrder())

        /** The centre of a picture at a size, as RGB floats from 0 to 1. */
        private fun pixels(picture: Bitmap, size: Size): ByteBuffer {
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
            val buffer = floatBuffer(3 * colors.size)
            for (color in colors) {
                buffer.putFloat((color shr 16 and 255) / 255f)
                buffer.putFloat((color shr 8 and 255) / 255f)
                buffer.putFloat((color and 255) / 255f)
            }
            buffer.rewind()
            return buffer
        }

        private fun bitmap(buffer: ByteBuffer, size: Size): Bitmap {
            buffer.rewind()
            val values = buffer.asFloatBuffer()
            val level = { (values.get().coerceIn(0f, 1f) * 255f).roundToInt() }
            val colors = IntArray(size.width * size.height) {
                val red = level()
                val green = level()
                val blue = level()
                (255 shl 24) or (red shl 16) or (green shl 8) or blue
            }
            return Bitmap.createBitmap(colors, size.width, size.height, Bitmap.Config.ARGB_8888)
        }
    }
}

/** The styles of a file that `tfstyle styles` made, in its order: code and thumbnail by name. */
class StyleLibrary(json: String) {
    /** @property thumbnail a PNG in base64. */
    class Style(val code: FloatArray, val thumbnail: String)

    /** The model that made the codes; the exported files name theirs in `report.json`. */
    val model: String

    val styles: Map<String, Style>

    init {
        val record = JSONObject(json)
        require(record.getString("format") == "tfstyle styles") { "not a style library" }
        model = record.getString("model")
        val list = record.getJSONArray("styles")
        styles = (0 until list.length()).map(list::getJSONObject).associate { style ->
            val numbers = style.getJSONArray("code")
            val code = FloatArray(numbers.length()) { numbers.getDouble(it).toFloat() }
            style.getString("name") to Style(code, style.getString("thumbnail"))
        }
    }
}
