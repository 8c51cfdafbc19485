package org.tensorflow.lite;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * The methods of LiteRT's class that StyleTransfer.kt calls. A file of one byte, 0, is a style
 * encoder, whose code is the mean of a painting's reds; one of a 1 is a transfer network that
 * returns its content, less what strength, code and summary say.
 */
public final class Interpreter implements AutoCloseable {
  public static class Options {
    public Options setNumThreads(int count) {
      return this;
    }
  }

  private static final int RECEPTIVE_FIELD = 50; // as Check.kt says
  private static final Map<String, int[]> ENCODER = new TreeMap<>(), PAINTER = new TreeMap<>();

  static {
    ENCODER.put("encode_style style", new int[] {1, 16, 16, 3});
    ENCODER.put("encode_style > code_a", new int[] {1, 2});
    ENCODER.put("encode_whole content", new int[] {1, 16, 16, 3});
    ENCODER.put("encode_whole code_a", new int[] {1, 2});
    ENCODER.put("encode_whole strength", new int[] {1});
    ENCODER.put("encode_whole > summary_b", new int[] {1, 1});
    for (String key : new String[] {"transfer_24x32", "transfer_32x24", "transfer_tile"}) {
      boolean isTile = key.endsWith("tile");
      int[] size = key.endsWith("24x32") ? new int[] {1, 24, 32, 3} : new int[] {1, 32, 24, 3};
      if (isTile) size = new int[] {1, 160, 192, 3};
      PAINTER.put(key + " content", size);
      PAINTER.put(key + " code_a", new int[] {1, 2});
      PAINTER.put(key + " strength", new int[] {1});
      if (isTile) PAINTER.put(key + " summary_b", new int[] {1, 1});
      PAINTER.put(key + " > stylized", size);
    }
  }

  private final Map<String, int[]> tensors;

  public Interpreter(ByteBuffer file, Options options) {
    check(file);
    tensors = file.get(0) == 0 ? ENCODER : PAINTER;
  }

  public String[] getSignatureKeys() {
    return tensors.keySet().stream().map(name -> name.split(" ")[0]).distinct().toArray(String[]::new);
  }

  public String[] getSignatureOutputs(String key) {
    String prefix = key + " > ";
    return tensors.keySet().stream().filter(name -> name.startsWith(prefix))
        .map(name -> name.substring(prefix.length())).toArray(String[]::new);
  }

  public Tensor getInputTensorFromSignature(String name, String key) {
    return tensor(key + " " + name);
  }

  public Tensor getOutputTensorFromSignature(String name, String key) {
    return tensor(key + " > " + name);
  }

  private Tensor tensor(String name) {
    int[] shape = tensors.get(name);
    if (shape == null) throw new IllegalArgumentException("no tensor " + name);
    int count = Arrays.stream(shape).reduce(1, (a, b) -> a * b);
    return new Tensor() {
      public int[] shape() {
        return shape;
      }

      public int numBytes() {
        return 4 * count;
      }

      public int numElements() {
        return count;
      }
    };
  }

  public void runSignature(Map<String, Object> inputs, Map<String, Object> outputs, String key) {
    Set<String> expected = new HashSet<>();
    for (String name : tensors.keySet())
      if (name.startsWith(key + " ") && !name.contains(">")) expected.add(name.split(" ")[1]);
    if (!expected.equals(inputs.keySet()))
      throw new IllegalArgumentException(key + " needs " + expected + ", not " + inputs.keySet());
    if (tensors == ENCODER) {
      FloatBuffer picture = read(inputs, key, key.equals("encode_style") ? "style" : "content");
      float sum = 0;
      for (int i = 0; i < picture.capacity(); i += 3) sum += picture.get(i);
      FloatBuffer code = write(outputs, key, key.equals("encode_style") ? "code_a" : "summary_b");
      for (int i = 0; i < code.capacity(); i++) code.put(i, i == 0 ? 3 * sum / picture.capacity() : 0);
      return;
    }
    float less = read(inputs, key, "strength").get(0) * read(inputs, key, "code_a").get(0);
    if (key.endsWith("tile")) less += read(inputs, key, "summary_b").get(0);
    FloatBuffer content = read(inputs, key, "content"), stylized = write(outputs, key, "stylized");
    for (int i = 0; i < content.capacity(); i++) stylized.put(i, content.get(i) - less);
    if (key.endsWith("tile")) spoilBorder(stylized, tensors.get(key + " content"));
  }

  /** What is nearer to a tile's border than the receptive field is not the picture's. */
  private static void spoilBorder(FloatBuffer picture, int[] shape) {
    for (int y = 0; y < shape[1]; y++)
      for (int x = 0; x < shape[2]; x++)
        if (Math.min(Math.min(x, shape[2] - 1 - x), Math.min(y, shape[1] - 1 - y)) < RECEPTIVE_FIELD)
          for (int c = 0; c < 3; c++) picture.put((y * shape[2] + x) * 3 + c, 0.123f);
  }

  private static ByteBuffer check(ByteBuffer buffer) {
    if (!buffer.isDirect() || buffer.order() != ByteOrder.nativeOrder())
      throw new IllegalArgumentException("not a direct buffer in the processor's order");
    return buffer;
  }

  private FloatBuffer read(Map<String, Object> buffers, String key, String name) {
    return floats(buffers.get(name), key + " " + name);
  }

  private FloatBuffer write(Map<String, Object> buffers, String key, String name) {
    return floats(buffers.get(name), key + " > " + name);
  }

  private FloatBuffer floats(Object found, String name) {
    ByteBuffer buffer = check((ByteBuffer) found);
    if (buffer.remaining() != tensor(name).numBytes())
      throw new IllegalArgumentException(name + " has " + buffer.remaining() + " bytes");
    return buffer.asFloatBuffer();
  }

  @Override
  public void close() {}
}
