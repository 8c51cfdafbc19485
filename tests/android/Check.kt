package tfstyle

import android.graphics.Bitmap
import java.nio.ByteBuffer
import java.nio.ByteOrder
import kotlin.math.abs

/** Runs StyleTransfer.kt with the classes of this folder in place of Android's and LiteRT's. */
fun main() {
    val description = """{"codes": "Model/0", "receptive_field": 50, "tile_stride": 16}"""
    val transfer = StyleTransfer(file(0), file(1), description)
    fun gray(level: Int, width: Int, height: Int) =
        Bitmap.createBitmap(IntArray(width * height) { color(level, level, level) },
            width, height, Bitmap.Config.ARGB_8888)
    val white = transfer.encodeStyle(gray(255, 20, 30))
    val black = transfer.encodeStyle(gray(0, 40, 17))
    check(abs(white.getValue("code_a")[0] - 1f) < 1e-4f) { "the code of white: $white" }
    val mixed = StyleTransfer.mix(listOf(white, black), listOf(1f, 3f))
    check(abs(mixed.getValue("code_a")[0] - 0.25f) < 1e-4f) { "the mixture" }

    // In tiles: each pixel once, from the tile that has it, whatever the photo's size.
    for ((width, height) in listOf(192 to 160, 193 to 161, 401 to 350, 1000 to 177)) {
        val colors = IntArray(width * height) { color(it % 251, it / width % 241, it * 7 % 239) }
        for (config in listOf(Bitmap.Config.ARGB_8888, Bitmap.Config.HARDWARE)) {
            val photo = Bitmap.createBitmap(colors, width, height, config)
            val shares = mutableListOf<Float>()
            val dark = transfer.encodeStyle(gray(0, 16, 16))
            val large = transfer.paintLarge(photo, dark, 1f) { shares += it }
            val red = shownReds(photo)
            val found = IntArray(width * height)
            large.getPixels(found, 0, width, 0, 0, width, height)
            for (i in colors.indices) {
                for (shift in listOf(16, 8, 0)) {
                    val wanted = ((colors[i] shr shift and 255) / 255f - red).coerceIn(0f, 1f) * 255f
                    check(abs((found[i] shr shift and 255) - wanted) < 0.51f) {
                        "$width × $height: pixel $i is ${found[i]}, not ${colors[i]} less $red"
                    }
                }
            }
            check(shares.last() == 1f && shares == shares.sorted()) { "progress: $shares" }
        }
    }
    val small = transfer.paint(gray(200, 300, 200), mixed, 0.5f)
    check(small.width == 32 && small.height == 24) { "the nearest aspect" }
    check(transfer.paint(gray(200, 100, 150), mixed).height == 32) { "the nearest aspect" }
    val pixel = IntArray(1).also { small.getPixels(it, 0, 1, 16, 12, 1, 1) }[0] and 255
    check(pixel == 168) { "200 less an eighth of 255: $pixel" }
    check(refuses { transfer.paintLarge(gray(9, 100, 100), mixed) }) { "a photo smaller than a tile" }
    check(refuses { transfer.paint(gray(9, 30, 30), mapOf("code_a" to FloatArray(3))) }) { "a code" }

    val library = StyleLibrary(
        """{"format": "tfstyle styles", "version": 2, "model": "Model/0", "styles": [{"name": "one",
        "thumbnail": "", "code": {"a": {"dtype": "float32", "shape": [1, 2], "data": "AACAPwAAAEA="}}}]}"""
    )
    check(library.model == transfer.codes) { "the library's model" }
    check(library.styles.getValue("one").code.getValue("code_a").toList() == listOf(1f, 2f)) { "floats" }
    println("as it should be")
}

private fun file(kind: Byte) =
    ByteBuffer.allocateDirect(1).order(ByteOrder.nativeOrder()).put(0, kind)

private fun color(red: Int, green: Int, blue: Int) = (255 shl 24) or (red shl 16) or (green shl 8) or blue

/** The mean red of a photo's centre at 16 × 16 pixels, as the encoder of the whole sees it. */
private fun shownReds(photo: Bitmap): Float {
    return StyleTransfer(file(0), file(1)).encodeStyle(photo).getValue("code_a")[0]
}

private fun refuses(action: () -> Unit): Boolean =
    try {
        action()
        false
    } catch (error: IllegalArgumentException) {
        true
    }
