package android.graphics;

/** As much of Android's class as StyleTransfer.kt needs; pixels are kept in an array. */
public final class Bitmap {
  public enum Config { ARGB_8888, HARDWARE }

  final int[] colors;
  private final int width;
  private final int height;
  private final Config config;

  private Bitmap(int[] colors, int width, int height, Config config) {
    this.colors = colors;
    this.width = width;
    this.height = height;
    this.config = config;
  }

  public static Bitmap createBitmap(int width, int height, Config config) {
    return new Bitmap(new int[width * height], width, height, config);
  }

  public static Bitmap createBitmap(int[] colors, int width, int height, Config config) {
    return new Bitmap(colors.clone(), width, height, config);
  }

  public static Bitmap createScaledBitmap(Bitmap source, int width, int height, boolean filter) {
    Bitmap result = createBitmap(width, height, Config.ARGB_8888);
    Matrix matrix = new Matrix();
    matrix.setScale((float) width / source.width, (float) height / source.height);
    new Canvas(result).drawBitmap(source, matrix, null);
    return result;
  }

  public Bitmap copy(Config config, boolean isMutable) {
    return new Bitmap(colors.clone(), width, height, config);
  }

  public Config getConfig() {
    return config;
  }

  public int getWidth() {
    return width;
  }

  public int getHeight() {
    return height;
  }

  public void getPixels(int[] pixels, int offset, int stride, int x, int y, int width, int height) {
    if (config == Config.HARDWARE) throw new IllegalStateException("pixels in graphics memory");
    for (int row = 0; row < height; row++)
      System.arraycopy(colors, (y + row) * this.width + x, pixels, offset + row * stride, width);
  }

  public void setPixels(int[] pixels, int offset, int stride, int x, int y, int width, int height) {
    for (int row = 0; row < height; row++)
      System.arraycopy(pixels, offset + row * stride, colors, (y + row) * this.width + x, width);
  }

  public void recycle() {}
}
